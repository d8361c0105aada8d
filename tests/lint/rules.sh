# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# The tree's own rules. Each rule_* function looks at the tree in the current folder and prints one line for each place
# that breaks it; nothing printed means that it holds. tests/lint/selftest proves of each one that it can fail.

# shellcheck disable=SC2034 # for those who source this
RULES=(include calls loss spdx length words format shell links drops stages options)

# Every file that is ours, with an optional list of find's -name patterns.
tree_files() {
	local pattern=()
	for p; do
		pattern+=(-o -name "$p")
	done
	find . -path ./.git -prune -o -path './build*' -prune -o -path ./bench-results -prune -o -name __pycache__ -prune \
		-o -type f \( "${pattern[@]:1}" \) -print | sed 's,^\./,,' | sort
}

c_files() { tree_files '*.c' '*.h'; }

shell_files() {
	local f
	tree_files '*' | while read -r f; do
		case $f in
		*.sh | */bash-completion/*) echo "$f" ;;
		*.*) ;;
		*) ! head -n 1 "$f" | tr -d '\0' | grep -qE '^#!/(usr/)?bin/(env )?(ba)?sh' || echo "$f" ;;
		esac
	done
}

# Code without comments and the insides of strings, with line numbers kept: awk reads it as "line: code".
c_code() {
	sed -E 's,"([^"\\]|\\.)*","",g; s,//.*$,,; s,/\*[^*]*\*/,,g' "$1"
}

# Who may include whom (docs/architecture.md). System headers count where they would bring in what a folder must not know.
rule_include() {
	local f folder line header target allowed bad
	c_files | while read -r f; do
		folder=${f%%/*}
		case $folder in
		tables)
			allowed='^tables/'
			bad='^(jansson|pthread|event2?/|threads|rte_ethdev|rte_log|rte_mbuf|rte_launch|rte_lcore)'
			;;
		ports)
			allowed='^(ports/|datapath/burst\.h$)'
			bad='^event2?/'
			;;
		datapath)
			allowed='^(datapath/|tables/|ports/(port|fault|param)\.h$)'
			bad='^(event2?/|rte_vhost|rte_ethdev)'
			;;
		control)
			allowed='^(control|datapath|tables|ports)/'
			bad='^rte_vhost'
			;;
		cli)
			allowed='^cli/'
			bad='^(rte_|event2?/)'
			;;
		*) continue ;;
		esac
		grep -nE '^[[:space:]]*#[[:space:]]*include' "$f" | while IFS=: read -r line header; do
			if [[ $header =~ \"(.*)\" ]]; then
				target=$(realpath -m --relative-to=. "$(dirname "$f")/${BASH_REMATCH[1]}")
				[[ $target =~ $allowed ]] || echo "$f:$line: $folder/ may not include $target"
			elif [[ $header =~ \<(.*)\> && ${BASH_REMATCH[1]} =~ $bad ]]; then
				echo "$f:$line: $folder/ may not include <${BASH_REMATCH[1]}>"
			fi
		done
	done
}

# What runs per packet neither logs, allocates, locks nor calls the system. Tables allocate when they are created and free
# when they are destroyed (hugemem.c does it for them); stage_tx.c takes the lock of a transmit queue that several workers share.
rule_calls() {
	local f
	for f in $(tree_files '*.c' '*.h' | grep -E '^(tables/|datapath/(stage_|mode_|pipeline|burst))'); do
		c_code "$f" | awk -v file="$f" '
			# A function starts at the margin with a name before a bracket; the last such name counts.
			/^[a-z].*[a-z0-9_]+\(/ { name = $0; sub(/\(.*/, "", name); sub(/.*[^a-z0-9_]/, "", name) }
			{
				code = $0
				while (match(code, /[A-Za-z_][A-Za-z0-9_]*[ ]?\(/)) {
					call = substr(code, RSTART, RLENGTH - 1)
					sub(/ $/, "", call)
					code = substr(code, RSTART + RLENGTH)
					bad = ""
					if (call ~ /^(v?[fs]?n?printf|puts|fputs|perror|syslog|rte_v?log|RTE_LOG|PORT_LOG|LOG)$/)
						bad = "logs or formats"
					else if (call ~ /^(malloc|calloc|realloc|free|strdup|asprintf|mmap|munmap|madvise|aligned_alloc|posix_memalign|rte_[mzc]+alloc(_socket)?|rte_realloc|rte_free|rte_memzone_.*)$/) {
						if (file !~ /^tables\// || file != "tables/hugemem.c" && name !~ /(create|destroy|alloc|free)/)
							bad = "allocates"
					} else if (call ~ /^(pthread_.*|mtx_.*|sem_.*|rte_rwlock_.*|rte_spinlock_.*|rte_mcslock_.*|rte_ticketlock_.*)$/) {
						if (file != "datapath/stage_tx.c" || call !~ /^rte_spinlock_/)
							bad = "locks"
					} else if (call ~ /^(read|write|open|close|ioctl|fcntl|poll|send|recv|sendmsg|recvmsg|syscall|time|clock_gettime|gettimeofday|nanosleep|usleep|sleep|sched_yield|getpid|futex|exit)$/)
						bad = "calls the system"
					if (bad != "")
						printf "%s:%d: %s() %s\n", file, NR, call, bad
				}
			}'
	done
}

# No packet is lost without a named reason: a function of the pipeline that frees one counts a drop, or frees what it has
# a copy of. stage_drop.c frees what burst_drop() counted.
rule_loss() {
	local f
	for f in $(tree_files 'stage_*.c' 'mode_*.c' 'pipeline.c' | grep '^datapath/' | grep -v '/stage_drop\.c$'); do
		c_code "$f" | awk -v file="$f" '
			/^[{]/ { freed = 0; counted = 0 }
			/rte_pktmbuf_free(_bulk|_seg)?[ ]?\(/ { freed = NR }
			/drops\[|rte_pktmbuf_copy\(/ { counted = 1 }
			/^[}]/ && freed && !counted { printf "%s:%d: frees a packet without a drop reason\n", file, freed }'
	done
}

rule_spdx() {
	local f
	c_files | while read -r f; do
		[[ $(head -n 1 "$f") == '/* SPDX-License-Identifier: BSD-3-Clause */' ]] || echo "$f:1: no SPDX line"
	done
	{ shell_files; tree_files meson.build '*.py' '*.service'; } | sort -u | while read -r f; do
		head -n 3 "$f" | grep -q '^# SPDX-License-Identifier: BSD-3-Clause$' || echo "$f:1: no SPDX line"
	done
}

rule_length() {
	local f n
	{ c_files; shell_files; tree_files '*.py'; } | sort -u | while read -r f; do
		n=$(wc -l <"$f")
		((n <= 600)) || echo "$f: $n lines, more than 600"
	done
}

rule_words() {
	local word='TO''DO|FIX''ME|XX''X'
	tree_files '*.c' '*.h' '*.sh' '*.py' '*.md' meson.build dev | while read -r f; do
		grep -nHE "\\b($word)\\b" "$f" | sed 's/$/ (a note to do later)/'
	done
}

rule_format() {
	local f
	c_files | while read -r f; do
		clang-format --dry-run -Werror "$f" 2>&1 | grep -m 1 'error:'
	done
}

rule_shell() {
	local f
	shell_files | while read -r f; do
		shellcheck -f gcc "$f"
	done
}

# Links between documents: the file is there, and so is the heading.
rule_links() {
	local f n link file anchor
	tree_files '*.md' | while read -r f; do
		grep -noE '\]\([^) ]+\)' "$f" | while IFS=: read -r n link; do
			link=${link#](}
			link=${link%)}
			[[ $link =~ ^(https?|mailto): ]] && continue
			file=${link%%#*}
			anchor=${link#"$file"}
			file=${file:+$(dirname "$f")/$file}
			file=${file:-$f}
			if [[ ! -e $file ]]; then
				echo "$f:$n: no such file: $link"
			elif [[ -n $anchor ]] && ! headings "$file" | grep -qxF -- "${anchor#\#}"; then
				echo "$f:$n: no such heading: $link"
			fi
		done
	done
}

headings() { grep -E '^#+ ' "$1" | sed -E 's/^#+ //' | tr '[:upper:]' '[:lower:]' | sed -E 's/[^a-z0-9 _-]//g; s/ /-/g'; }

# Every drop reason is explained to operators, and none that is gone.
rule_drops() {
	[[ -f docs/operations.md && -f datapath/drop.h ]] || return 0
	# shellcheck disable=SC2016 # these are Markdown's backquotes
	diff <(grep -oE '^[[:space:]]*X\([A-Z0-9_]+, "[a-z_0-9]+"' datapath/drop.h | sed -E 's/.*"(.*)"/\1/' | sort) \
		<(grep -E '^\| `(rx|tx|bridge|punt|route|flow|ip|ip4|ip6|no|bad)_' docs/operations.md | cut -d '|' -f 2 | grep -oE '[a-z_0-9]+' | sort) |
		sed -nE 's/^< (.*)/docs\/operations.md: drop reason \1 is missing/p; s/^> (.*)/docs\/operations.md: no such drop reason: \1/p'
}

# The picture in docs/architecture.md, the calls in pipeline.c and the lanes in burst.h name the same stages in one order.
# shellcheck disable=SC2016 # these are Markdown's backquotes
rule_stages() {
	local picture calls lanes
	[[ -f docs/architecture.md && -f datapath/pipeline.c ]] || return 0
	picture=$(sed -n '/^<!-- stages -->$/,/^## /p' docs/architecture.md | sed -n '/^```$/,/^```$/p' | grep -oE '\[[a-z0-9]+\]' | tr -d '[]')
	calls=$(grep -oE 'stage_[a-z0-9]+\(w, b\)' datapath/pipeline.c | sed -E 's/stage_(.*)\(w, b\)/\1/')
	lanes=$(sed -n '/^#define BURST_LANES(X)/,/^$/p' datapath/burst.h | sed -nE 's/^.*X\([A-Z0-9]+, ([a-z0-9]+)\).*/\1/p')
	[[ $picture == "$calls" ]] || echo "docs/architecture.md: the picture has '${picture//$'\n'/ }', pipeline.c '${calls//$'\n'/ }'"
	[[ $lanes == "$calls" ]] || echo "datapath/burst.h: the lanes are '${lanes//$'\n'/ }', pipeline.c has '${calls//$'\n'/ }'"
}

# Every option of the daemon is in the operator's table, and none that is gone.
rule_options() {
	[[ -f docs/operations.md && -f control/options.c ]] || return 0
	# shellcheck disable=SC2016 # these are Markdown's backquotes
	diff <(sed -n '/option_defs\[\] = {/,/^};/s/^\t{"\([a-z-]*\)",.*/\1/p' control/options.c | sort) \
		<(grep -E '^\| `--' docs/operations.md | cut -d '|' -f 2 | grep -oE '\-\-[a-z-]+' | sed 's/^--//' | sort) |
		sed -nE 's/^< (.*)/docs\/operations.md: option --\1 is missing/p; s/^> (.*)/docs\/operations.md: no such option: --\1/p'
}
