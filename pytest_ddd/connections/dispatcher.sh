# Runs on the far side under /bin/sh (dash, bash, BusyBox ash), read from stdin; the header that
# defines m (marker) and s (directory suffix) precedes it, one line a command follows it.
#
#   dispatcher  reads this file, then lines `i` (stdin of a job) and `j` (a job), until stdin ends
#   waiter      one a job: starts the command in its own process group, waits for its end
#   warden      reads w: "+ job group ticks blocks", "- job", "t" (a second passed), "q jobs" (the end);
#               kills what is over its time or its size, and everything once the dispatcher is gone
#   teller      reads t: "job status flag limit kept"; writes the answers to stdout, one after the
#               other; kept is 0 when the kernel did not keep the answer within its limit
unset d g h N B
LC_ALL=C
export LC_ALL
u=
for x in "$XDG_RUNTIME_DIR" /dev/shm /run/shm /tmp /var/tmp "$HOME"; do
  case $x in /*) ;; *) continue ;; esac
  u="$u $x"
  d=$x/.ddd-$s
  if mkdir -m 700 "$d" 2>/dev/null; then
    { printf %4096s . >"$d/p" && printf '%s E\n' "$m" >"$d/E" && mkfifo -m 600 "$d/w" "$d/t"; } \
      2>/dev/null && break
    rm -rf "$d"
  fi
  d=
done
[ "$d" ] || {
  printf '%s X%s\n' "$m" "$u"
  exit 69
}
# Both make themselves the leader of a new process group before they start the command.
g= h=
if command -v setsid >/dev/null 2>&1; then g=setsid
elif command -v timeout >/dev/null 2>&1; then g='timeout 99999999'; fi

warden_signal() { # signal, process group; without setsid and timeout there is only the process
  kill "-$1" "-$2" 2>/dev/null || kill "-$1" "$2" 2>/dev/null
}
warden_tick() {
  { sleep 1; echo t; } >"$d/w" 7>&- &
  T=1
}
# L lists what runs as job:group:state:blocks, where the state is the seconds left, or kill, or
# stuck; D lists the jobs that ended, G those given up, P counts the starts, R what runs.
warden_look() { # a second has passed
  n= c=
  for e in $L; do
    j=${e%%:*} l=${e##*:}
    case $D in *" $j "*) continue ;; esac
    n="$n $e"
    [ "$c" ] && [ "$c" -le "$l" ] || c=$l
  done
  L= D=
  [ "$n" ] || return 0
  f=$(find "$d" -name '*.[oe]' -size "+$c" 2>/dev/null)
  for e in $n; do
    j=${e%%:*} l=${e##*:} e=${e#*:} e=${e%:*}
    p=${e%:*} k=${e#*:}
    case $f in *"/$j."*) [ "$(find "$d/$j.o" "$d/$j.e" -size "+$l")" ] && k=over ;; esac
    case $k in
    over) echo O >"$d/$j.f"; warden_signal KILL "$p"; k=kill ;;
    kill) warden_signal KILL "$p"; k=stuck ;;
    stuck) # in the kernel, on a dead mount say, or another account's: its waiter may wait for ever
       echo "$j 137 U 0" >&7
       R=$((R - 1)) G="$G $j "
       continue ;;
    0) echo T >"$d/$j.f"; warden_signal TERM "$p"; k=kill ;;
    *) [ "$Q" ] && k=kill || k=$((k - 1)) ;;
    esac
    L="$L $j:$p:$k:$l"
  done
  [ ! "$L" ] || warden_tick
}
warden() {
  trap '' HUP INT TERM
  L= D= T= Q= G= P=0 R=0
  while read -r k j p t c; do
    case $k in
    +) P=$((P + 1)) R=$((R + 1)) L="$L $j:$p:$t:$c"
       [ "$Q" ] && { echo L >"$d/$j.f"; warden_signal TERM "$p"; }
       [ "$T" ] || warden_tick ;;
    -) case $G in *" $j "*) ;; *) R=$((R - 1)) D="$D $j " ;; esac ;;
    t) T=; kill -0 $$ 2>/dev/null || [ "$Q" ] || warden_end
       warden_look ;;
    q) Q=$j; warden_end ;;
    esac
    [ "$Q" ] && [ "$P" -ge "$Q" ] && [ "$R" -le 0 ] && break
  done
  kill -KILL $E # or it would write in the directory while that is removed
  rm -rf "$d" || rm -rf "$d"
}
warden_end() {
  Q=${Q:-0}
  n=
  for e in $L; do
    j=${e%%:*} l=${e##*:} e=${e#*:}
    case $D in *" $j "*) continue ;; esac
    echo L >"$d/$j.f"
    warden_signal TERM "${e%%:*}"
    n="$n $j:${e%%:*}:kill:$l"
  done
  L=$n D=
}
teller_write() { # file
  [ -s "$1" ] || return 0
  if [ ! "$h" ]; then # asked for here, as most answers do not need it
    h='head -c'
    [ "$(echo ab | $h 1 2>/dev/null)" = a ] || h='eval cat "$1" #'
  fi
  $h "$c" "$1" || r=F
}
teller() {
  n=0 R=
  cd "$d" || exit
  while read -r j s f c k; do
    o=$j.o e=$j.e r=0
    if [ "$f" = 0 ] && { [ -s "$o" ] || [ -s "$e" ]; }; then
      printf '%s A %s %s 0\n' "$m" "$j" "$s"
      if [ "$k" != 0 ] && [ -s E ]; then
        cat "$o" E "$e" || r=F
      else
        teller_write "$o"
        printf '%s E\n' "$m"
        teller_write "$e"
      fi
      printf '%s Z %s\n' "$m" "$r"
    else
      printf '%s A %s %s %s\n%s E\n%s Z 0\n' "$m" "$j" "$s" "$f" "$m" "$m"
    fi
    true >"$j.o"
    true >"$j.e"
    n=$((n + 1)) R="$R $j.o $j.e $j.i $j.f $j.p"
    [ $n -lt 32 ] || { rm -f $R; n=0 R=; }
  done
}
waiter() { # job, ticks, limit of file size in blocks of 512 (0: none), limit in bytes, in blocks, command
  exec >/dev/null 2>&1
  o=$d/$1.o e=$d/$1.e i=/dev/null f=0
  [ -f "$d/$1.i" ] && i=$d/$1.i
  { [ "$3" = 0 ] || ulimit -f "$3"; exec $g /bin/sh -c -- "$6"; } <"$i" >"$o" 2>"$e" 7>&- 8>&- &
  p=$!
  echo "+ $1 $p $2 $5" >&8
  wait $p
  s=$?
  # A full directory would have cut the answer short; so would one that somebody removed.
  { printf %4096s . >"$d/$1.p" && true >"$d/$1.p" && [ -f "$o" ] && [ -f "$e" ]; } || f=F
  echo "- $1" >&8
  [ "$3" = 0 ] || [ $s != 153 ] || f=O
  [ -f "$d/$1.f" ] && read -r f <"$d/$1.f"
  case $B in *" $1 "*) f=I ;; esac
  echo "$1 $s $f $4 $3" >&7
}
i() { # job, what to add to its stdin as a printf format
  printf "$2" >>"$d/$1.i" || B="$B $1 "
}
j() {
  N=$((N + 1))
  waiter "$@" &
  case $N in *[05]) jobs >/dev/null 2>&1 ;; esac
}
N=0 B=
# Opened both ways first, so that no later opening of theirs can block, whoever dies meanwhile.
# exec, as a redirected function would keep copies of the session's own stdout and hold it open.
exec 7<>"$d/t" 8<>"$d/w"
( exec <"$d/t" 7>&- 8>&- 2>/dev/null; teller ) &
E=$!
( exec <"$d/w" 7>"$d/t" 8>&- >/dev/null 2>&1; warden ) &
W=$!
exec 7>"$d/t" 8>"$d/w"
trap 'echo "q $N" >&8; exec 7>&- 8>&-; wait $W' EXIT
trap 'exit 1' HUP INT TERM
printf '%s R %s\n' "$m" "$d"
