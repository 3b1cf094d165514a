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
	-c | --config | -s | --socket | --heartbeat) mapfile -t COMPREPLY < <(compgen -f -- "$2") ;;
	--state-directory | --root) mapfile -t COMPREPLY < <(compgen -d -- "$2") ;;
	-n | --iterations) [ "$3" = watch ] && COMPREPLY=() ;;
	*) return 1 ;;
	esac
}

# The place of the command of ctl in COMP_WORDS, behind the socket if that is named.
_vmenergyd_command_at() {
	local at=2

	while [ "$at" -lt "$COMP_CWORD" ]; do
		case ${COMP_WORDS[at]} in
		-s | --socket)
			[ "${COMP_WORDS[at + 1]-}" != = ] || at=$((at + 1))
			at=$((at + 2))
			;;
		-*) at=$((at + 1)) ;;
		*) break ;;
		esac
	done
	printf '%s' "$at"
}

_vmenergyd() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local command at words

	at=$(_vmenergyd_command_at)
	command=${COMP_WORDS[at]-}
	_vmenergyd_argument "$before" "$word" "$command" && return
	if [ "$COMP_CWORD" -eq 1 ]; then
		words='ctl deadman --config --check --dry-run --socket --state-directory --root
			--verbose --help --version'
	elif [ "${COMP_WORDS[1]}" = deadman ]; then
		words='--config --state-directory --heartbeat --after --patience --root --help'
	elif [ "${COMP_WORDS[1]}" != ctl ]; then
		words='--config --check --dry-run --socket --state-directory --root --verbose'
	elif [ "$COMP_CWORD" -le "$at" ]; then
		words='status cap watch reload --socket --help'
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
