#!/usr/bin/env bash
# `make demo`: Smith's main job on this machine, with the program, the PRD and the scripted agents of examples/demo.
#
# Starts a smithd of its own (state, configuration and ports are temporary, nothing of the user's is read or written) and asks
# for three loops: one that works through a PRD, one that is cancelled in its middle, one whose gates stay red. Shows what
# their journals say, then where each one landed. Ends with 1 when an end isn't the expected one, or when anything is left.
#
#   KEEP=1           leaves the temporary directory (state, logs, repository) and says where it is
#   DEMO_BIN=DIR     the directory of the binaries; the Makefile names the one that it built into
#   DEMO_TIMEOUT=300 seconds after which a loop that hasn't ended counts as failed
set -euo pipefail
# shellcheck source=hack/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$root"

demo=$root/examples/demo
bin=$(cd "${DEMO_BIN:-target/debug}" 2>/dev/null && pwd) || die "there are no binaries in ${DEMO_BIN:-target/debug}; 'make build' builds them"
timeout=${DEMO_TIMEOUT:-300}
started=$SECONDS
failures=0
follower='' waiter='' smithd=''

# What the user's environment says of Smith and git is for other servers and other repositories.
for name in "${!SMITH_@}" "${!GIT_@}"; do unset "$name"; done
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1

if [[ -t 1 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; then
	bold=$'\e[1m' red=$'\e[31m' green=$'\e[32m' yellow=$'\e[33m' plain=$'\e[0m'
else
	bold='' red='' green='' yellow='' plain=''
fi
title() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
indented() { sed 's/^/    /'; }
# expect WHAT FOUND EXPECTED
expect() {
	if [[ $2 == "$3" ]]; then
		printf '  %sok%s    %s: %s\n' "$green" "$plain" "$1" "$2"
	else
		printf '  %sWRONG%s %s: %s, but expected %s\n' "$red" "$plain" "$1" "$2" "$3"
		failures=$((failures + 1))
	fi
}
ctl() { "$bin/smithctl" "$@"; }
field() { ctl loop get "$1" -o "jsonpath=$2"; } # field LOOP PATH

# A lock that everything holds which was started with the file open: free means that all of it is gone,
# whatever its process ids are and wherever they were seen from.
is_free() { flock --nonblock "$1" true; }

stop_smithd() {
	[[ -n $smithd ]] || return 0
	local pid=$smithd from=$SECONDS
	smithd=''
	kill -TERM "$pid" 2>/dev/null || true
	# It lets workers land for half a minute, and stops its etcd after that.
	while kill -0 "$pid" 2>/dev/null && ((SECONDS - from < 60)); do sleep 0.1; done
	if kill -0 "$pid" 2>/dev/null; then
		say "smithd (process $pid) hasn't stopped in a minute and is killed"
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
		return 1
	fi
	wait "$pid"
}

start_smithd() {
	# A Ctrl-C is for this script alone: smithd would take it and the signal below for two, and leave its workers to
	# its next start. It stops when this script dies, too, where the kernel can tell it.
	local start=(setsid)
	! setpriv --pdeathsig TERM true 2>/dev/null || start+=(setpriv --pdeathsig TERM)
	# Everything that smithd starts has this file open too, and with it the lock.
	exec 8<"$work/alive"
	flock --shared 8
	SMITH_ETCD=$etcd NO_COLOR=1 "${start[@]}" "$bin/smithd" --state-dir "$work/state" --file-root "$work" \
		</dev/null >"$work/smithd.log" 2>&1 &
	smithd=$!
	exec 8<&-
	local try
	for ((try = 0; try < 300; try++)); do
		! grep '^smithd is ready' "$work/smithd.log" || return 0
		kill -0 "$smithd" 2>/dev/null || break
		sleep 0.1
	done
	indented <"$work/smithd.log" >&2
	die "smithd did not start; its log is above"
}

clean_up() {
	local status=$?
	trap - EXIT
	for pid in $follower $waiter; do kill "$pid" 2>/dev/null || true; done
	stop_smithd || true
	if ! is_free "$work/alive"; then
		say "something is left of a smithd that was killed; another one takes it over and stops"
		{ start_smithd && stop_smithd; } >/dev/null || true
		is_free "$work/alive" || say "some of it is still there: fuser $work/alive"
	fi
	if [[ ${KEEP:-} == 1 ]]; then
		echo "Kept: $work"
	else
		rm -rf "$work"
	fi
	exit "$status"
}

for program in git perl prove flock setsid; do
	command -v "$program" >/dev/null || die "$program is missing: sudo apt-get install git perl util-linux"
done
etcd=$(find_etcd) || die "there is no etcd; 'make tools' gets one"

work=$(mktemp -d "${TMPDIR:-/tmp}/smith-demo.XXXXXX")
work=$(cd "$work" && pwd -P)
mkdir "$work/config"
: >"$work/alive"
: >"$work/hold"
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

title 'A repository'
cp -R "$demo/repo" "$work/tally"
git -C "$work/tally" init --quiet --initial-branch=main
git -C "$work/tally" add --all
git -C "$work/tally" -c user.name=demo -c user.email=demo@localhost commit --quiet --message 'A time ledger that can list'
echo "$work/tally: a copy of examples/demo/repo, a small program with $(find "$demo/repo/t" -name '*.t' | wc -l) test files"

title 'smithd, with an etcd of its own'
export XDG_CONFIG_HOME=$work/config
start_smithd

title 'Three loops'
# The agents' paths may hold blanks; the command lines are for sh.
quoted() { printf "'%s'" "${1//\'/\'\\\'\'}"; }
ctl prd submit "$demo/prd.json" --loop-id tally --repo "$work/tally" --agent "$(quoted "$demo/agent")" -o json >"$work/submitted.json"
echo 'tally     works through the five stories of examples/demo/prd.json'
ctl loop create --loop-id endless --repo "$work/tally" --prompt 'Never come to an end' --gate 'prove -l t' \
	--agent "$(quoted "$demo/agent-endless") --hold $(quoted "$work/hold")" -o name >"$work/submitted"
echo 'endless   its agent never ends, ignores SIGTERM, and has a child that left its process group and session; it will be cancelled'
ctl loop create --loop-id hopeless --repo "$work/tally" --prompt 'Round the times' --gate 'prove -l t' --attempts 1 \
	--agent "$(quoted "$demo/agent-hopeless")" -o name >>"$work/submitted"
echo 'hopeless  its agent never makes the gates green; one attempt'

title 'What they say (smithctl loop logs --follow)'
# The journal without output: seconds since the start, loop, message.
condense() {
	local line loop at phase message from seconds color
	from=$(date +%s)
	while IFS= read -r line; do
		read -r loop at phase message <<<"$line"
		seconds=$(($(date +%s) - from))
		color=''
		case $message in
		*'claimed by'* | *'attempt 1 of round 1 began'* | *'may go to'* | 'iteration '*': every gate is green'*) continue ;;
		*'red: '* | warn:*) color=$yellow ;;
		error:*) color=$red ;;
		*' is done: '* | *'→ synced'*) color=$green ;;
		esac
		printf '%4d s  %-9s %-11s %s%s%s\n' "$seconds" "$loop" "$phase" "$color" "$message" "${color:+$plain}"
	done
}
mkfifo "$work/lines"
condense <"$work/lines" &
printer=$!
"$bin/smithctl" loop logs --follow --level info tally endless hopeless >"$work/lines" 2>&1 &
follower=$!

# Cancelled in its middle: when both of its processes are at work.
for ((try = 0; try < timeout * 10; try++)); do
	is_free "$work/hold" || break
	[[ $(field endless .state) != @(synced|flatline|cancelled) ]] || break
	sleep 0.1
done
expect_held=$(is_free "$work/hold" && echo no || echo yes)
sleep 2 # So that some of its life can be seen above.
before=$(date +%s%N)
cancelled=$(ctl loop cancel endless --reason 'the demo shows that stop means stop' 2>&1) || true
echo "    $cancelled"
left=no
flock --timeout 30 "$work/hold" true || left=yes
took=$((($(date +%s%N) - before) / 1000000))

ctl loop wait tally endless hopeless --for ended --timeout "${timeout}s" >"$work/ends" 2>&1 &
waiter=$!
wait -n "$waiter" "$smithd" || true
kill -0 "$smithd" 2>/dev/null || {
	indented <"$work/smithd.log" >&2
	die "smithd ended by itself; its log is above"
}
waiter=''
# Its last lines are on their way; that of a loop that hasn't ended would never come.
for ((try = 0; try < 50; try++)); do
	kill -0 "$follower" 2>/dev/null || break
	sleep 0.1
done
kill "$follower" 2>/dev/null || true
follower=''
wait "$printer" || true

title 'tally: the whole PRD'
expect 'state' "$(field tally .state) ($(field tally .reason))" 'synced (completed)'
expect 'stories done' "$(field tally .stories.done) of $(field tally .stories.total)" '5 of 5'
outcomes=$(ctl loop trace tally -o 'jsonpath=$.iterations[*].outcome' | sort | uniq -c | awk '{ printf "%s%s %s", n++ ? ", " : "", $1, $2 }')
expect 'iterations' "$outcomes" '1 gates-failed, 5 green'
branch=$(field tally .branch)
if commit=$(git -C "$work/tally" rev-parse --verify --quiet "$branch^{commit}"); then
	expect "branch $branch" "$commit" "$(field tally .commit)"
	expect 'commits on it' "$(git -C "$work/tally" rev-list --count "main..$branch")" 5
	git -C "$work/tally" log --reverse --format='%C(auto)%h %s%n        %(trailers:separator=%x2C ,key=Loop-ID,key=Attempt,key=Story)' --shortstat "main..$branch" | grep . | indented
	# Not Smith's word: its gates, run again here on what was published.
	git -C "$work/tally" worktree add --quiet --detach "$work/published" "$branch"
	for gate in 'prove -l t' 'perl scripts/lint'; do
		if (cd "$work/published" && sh -c "$gate") >"$work/gate.out" 2>&1; then verdict=green; else verdict=red; fi
		expect "$gate, run again on the branch" "$verdict" green
	done
else
	expect "branch ${branch:-(none)}" missing published
fi
ctl loop trace tally | sed -n '/^Iterations:/,/^$/p' | grep . | indented
echo "    time: $(ctl loop get tally -o json | perl -MJSON::PP -MTime::Piece -0777 -ne '
	my $loop = decode_json($_);
	my ($from, $to) = map { Time::Piece->strptime(substr($loop->{$_}, 0, 19), "%Y-%m-%dT%H:%M:%S") } qw(created_at updated_at);
	print $to - $from, " s"') from the request to the published branch"

title 'endless: cancelled in its middle'
expect 'its processes were at work' "$expect_held" yes
expect 'state' "$(field endless .state) ($(field endless .reason))" 'cancelled (operator-cancelled)'
expect 'anything left of its agent' "$left" no
echo "    from the cancel until the last process was gone: $took ms"

title 'hopeless: gates that stay red'
expect 'state' "$(field hopeless .state) ($(field hopeless .reason))" 'flatline (gates-failed)'
echo "    $(field hopeless .message)"
expect 'branch published' "$(git -C "$work/tally" rev-parse --verify --quiet smith/hopeless >/dev/null && echo yes || echo no)" no

title 'The end'
from=$SECONDS
if stop_smithd; then status=0; else status=$?; fi
expect 'smithd, after SIGTERM, ended with' "$status" 0
expect 'processes left of it, its etcd and its workers' "$(is_free "$work/alive" && echo no || echo yes)" no
echo "    it stopped in $((SECONDS - from)) s; the demo took $((SECONDS - started)) s"
if ((failures)); then
	echo "${red}$failures not as expected.${plain} The end of smithd's log:"
	tail -n 30 "$work/smithd.log" | indented
	exit 1
fi
echo "${green}All as expected.${plain} The same on a repository of yours: README.md"
