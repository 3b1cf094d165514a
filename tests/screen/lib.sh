# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# lib.sh - vmetop in a terminal of its own, seen and typed at through tmux.
#
#   screen_open COLUMNS ROWS COMMAND...   start; SCREEN_TERM says what it is told to be
#   screen_close                          end it, whatever runs in it
#   screen_keys KEY...                    as tmux(1) names them     screen_type TEXT
#   screen_size COLUMNS ROWS
#   screen_is NAME                        wait until it shows golden/NAME.txt
#   screen_looks NAME                     the same with colours, golden/NAME.colors
#   screen_has REGEX                      wait until a line matches (grep -E)
#   screen_lacks REGEX                    no line does, now: first wait for what proves it is drawn
#   screen_loses REGEX                    wait until none does
#   screen_shows TEXT                     is that all of it?
#   screen_ends STATUS                    wait until the command ends, and so
#   screen_selects REGEX                  is the row with the background of the cursor this?
#   screen_until WHAT COMMAND...          wait until a command succeeds
#
# The first that fails shows the screen and ends the test. UPDATE=1 writes the
# golden files anew: look at each. Waiting ends after SCREEN_WAIT_S; what is
# found decides, never how soon.

set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
VMETOP=${VMETOP:-$ROOT/build/bin/vmetop}
GOLDEN=$ROOT/tests/screen/golden
SCREEN_TERM=tmux-256color
SCREEN_WAIT_S=${SCREEN_WAIT_S:-30}
OUT=$(mktemp -d) || exit 1
SCREEN_SOCKET= # one name each: a server that ends still holds the last one
SCREEN_NUMBER=0
# tmux(1) misses the end of a process now and then: its status is kept in a file.
# shellcheck disable=SC2016  # the inner shell expands it
SCREEN_RUN='"$@"; echo $? >"$0.new"; mv "$0.new" "$0"'
trap 'screen_close; rm -rf "$OUT"' EXIT
trap 'exit 1' INT TERM

unset TMUX TMUX_PANE NO_COLOR LINES COLUMNS ESCDELAY
export LC_ALL=C.UTF-8 HOME=$OUT XDG_CONFIG_HOME=$OUT SHELL=/bin/sh
cd "$ROOT/tests/fixtures" || exit 1 # names of recordings are shown as they were given

command -v tmux >/dev/null || {
	echo "no tmux"
	exit 77
}

screen_tmux() {
	tmux -u -S "$SCREEN_SOCKET" "$@"
}

screen_open() {
	local columns=$1 rows=$2
	shift 2

	screen_close
	SCREEN_NUMBER=$((SCREEN_NUMBER + 1))
	SCREEN_SOCKET=$OUT/socket$SCREEN_NUMBER
	cat >"$OUT/conf" <<-END
		set -g status off
		set -g default-terminal $SCREEN_TERM
		set -g remain-on-exit on
		set -s escape-time 0
	END
	screen_tmux -f "$OUT/conf" new-session -d -x "$columns" -y "$rows" \
		sh -c "$SCREEN_RUN" "$OUT/status$SCREEN_NUMBER" "$@" ||
		screen_fail "tmux does not start"
}

screen_close() {
	[[ -z $SCREEN_SOCKET ]] || screen_tmux kill-server 2>/dev/null
	SCREEN_SOCKET=
}

screen_keys() {
	screen_tmux send-keys "$@"
}

screen_type() {
	screen_tmux send-keys -l -- "$1"
}

screen_size() {
	screen_tmux resize-window -x "$1" -y "$2"
}

screen_text() {
	screen_tmux capture-pane -p 2>/dev/null
}

# Styles in braces, see styles.py.
screen_colors() {
	screen_tmux capture-pane -pe | python3 "$ROOT/tests/screen/styles.py"
}

# A format of tmux(1): cursor_flag, alternate_on, mouse_any_flag, pane_dead, ...
screen_flag() {
	screen_tmux display-message -p "#{$1}"
}

screen_fail() {
	echo "FAILED: $1"
	if [[ $SCREEN_SOCKET ]]; then
		echo "the screen, $(screen_flag pane_width)x$(screen_flag pane_height):"
		screen_text
	fi
	exit 1
}

screen_until() {
	local what=$1 end=$((SECONDS + SCREEN_WAIT_S))
	shift

	until "$@"; do
		[[ $SECONDS -lt $end ]] || screen_fail "never came: $what"
		sleep 0.05
	done
}

matches() {
	screen_text | grep -qE -- "$1"
}

screen_has() {
	screen_until "$1" matches "$1"
}

lacks() {
	! matches "$1"
}

screen_loses() {
	screen_until "without $1" lacks "$1"
}

screen_shows() {
	[[ $(screen_text) == "$1" ]]
}

screen_is_over() {
	[[ -e $OUT/status$SCREEN_NUMBER ]]
}

screen_ends() {
	local status

	screen_until "the end of the command" screen_is_over
	status=$(<"$OUT/status$SCREEN_NUMBER")
	[[ $status == "$1" ]] || screen_fail "it ended with status $status, not $1"
}

screen_selects() {
	screen_colors | grep -E '[{;]46}' | grep -qE -- "$1"
}

screen_lacks() {
	! matches "$1" || screen_fail "is there: $1"
}

# What a command prints, once it stays the same for a moment.
settled() {
	local before='' now

	while now=$("$@") && { [[ $now != "$before" ]] || [[ ! ${now//[[:space:]]/} ]]; }; do
		before=$now
		sleep 0.4
	done
	printf '%s\n' "$now"
}

same() {
	[[ $("$2") == "$(<"$1")" ]]
}

screen_golden() {
	local file=$1 show=$2 end=$((SECONDS + SCREEN_WAIT_S))

	if [[ ${UPDATE-} ]]; then
		settled "$show" >"$file"
		return
	fi
	[[ -f $file ]] || screen_fail "no ${file##*/}: run with UPDATE=1 and look at it"
	until same "$file" "$show"; do
		[[ $SECONDS -lt $end ]] || {
			"$show" | diff -u "$file" -
			screen_fail "differs from ${file##*/}"
		}
		sleep 0.05
	done
}

screen_is() {
	screen_golden "$GOLDEN/$1.txt" screen_text
}

screen_looks() {
	screen_golden "$GOLDEN/$1.colors" screen_colors
}

# Everything of a recording at once, and no saved settings.
replay() { # replay COLUMNS ROWS RECORDING OPTION...
	screen_open "$1" "$2" "$VMETOP" --no-config --replay "$3" --speed 0 "${@:4}"
}
