# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Completion of vmenergyd(8) for bash; to be installed as
# /usr/share/bash-completion/completions/vmenergyd.

# Names of the domains that libvirt runs; without it, nothing.
_vmenergyd_domains() {
	virsh --readonly list --name 2>/dev/null
}

# What the word before asks for: a file, or nothing that could be listed.
_vmenergyd_argument() {
	case $1 in
	-c | --config | -s | --socket) mapfile -t COMPREPLY < <(compgen -f -- "$2") ;;
	--state-directory | --root) mapfile -t COMPREPLY < <(compgen -d -- "$2") ;;
	-n | --iterations) [ "$3" = watch ] && COMPREPLY=() ;;
	*) return 1 ;;
	esac
}

_vmenergyd() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[2]-} words

	_vmenergyd_argument "$before" "$word" "$command" && return
	if [ "$COMP_CWORD" -eq 1 ]; then
		words='ctl deadman --config --check --dry-run --socket --state-directory --root
			--verbose --help --version'
	elif [ "${COMP_WORDS[1]}" != ctl ]; then
		words='--config --check --dry-run --socket --state-directory --root --verbose'
	elif [ "$COMP_CWORD" -eq 2 ]; then
		words='status cap watch reload --help'
	else
		case $command in
		status) words='--json --socket --help' ;;
		watch) words='--json --iterations --socket --help' ;;
		reload) words='--socket --help' ;;
		cap)
			words='--host --total --cpu --disk --socket --help none default'
			words+=" $(_vmenergyd_domains)"
			;;
		*) words= ;;
		esac
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _vmenergyd vmenergyd
