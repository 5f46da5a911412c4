# pp schedule: the list, and every form of a schedule.
source "$(dirname "$0")/lib.sh"

expect_ok "$PP" schedule --list
expect_text out GPipe 1F1B Interleaved1F1B LoopedBFS InterleavedZeroBubble \
  ZBVZeroBubble DualPipeV VHalf VMin
names=$(awk '{print $1}' out)
size=(--ranks 4 --microbatches 8)
for name in $names; do
  for format in text csv json svg trace; do
    expect_ok "$PP" schedule "$name" "${size[@]}" --format "$format" \
      -o "$name.$format"
    expect_file "$name.$format"
    [[ ! -s out ]] || fail "-o, and yet something on stdout"
  done
done
check_python '
import glob, json, xml.dom.minidom
for path in glob.glob("*.json") + glob.glob("*.trace"):
    json.load(open(path))
for path in glob.glob("*.svg"):
    xml.dom.minidom.parse(path)
assert "traceEvents" in json.load(open("1F1B.trace"))
'

expect_ok "$PP" schedule gpipe --ranks 2 --microbatches 3 --format csv
[[ "$(<out)" == $'0F0,0F1,0F2,,,0B0,0B1,0B2\n,1F0,1F1,1F2,1B0,1B1,1B2' ||
  "$(<out)" == $'0F0,0F1,0F2,0B0,0B1,0B2\n1F0,1F1,1F2,1B0,1B1,1B2' ]] ||
  fail "not the CSV of GPipe"
expect_ok "$PP" schedule 1F1B --ranks 2 --microbatches 3 --lowered --format csv
expect_text out 0SEND_F0 1RECV_F0 1SEND_B0 0RECV_B0
expect_ok "$PP" schedule 1F1B "${size[@]}" --cost F=1,I=2,W=1,comm=0.5
expect_text out "bubble" "peak"
expect_no_text out $'\033'

# The extension of the file chooses the format; --format comes first.
for format in svg csv json trace; do
  expect_ok "$PP" schedule 1F1B "${size[@]}" -o "by_name.$format"
  expect_same "by_name.$format" "1F1B.$format"
done
expect_ok "$PP" schedule 1F1B "${size[@]}" --format text -o forced.svg
expect_no_text forced.svg "<svg"

# A file sets its own sizes.
for option in --ranks --microbatches --stages-per-rank; do
  refused 2 "$option can't be given with 1F1B.csv" \
    -- "$PP" schedule 1F1B.csv "$option" 3
done

# It reads the files that it writes.
for name in $names; do
  expect_ok "$PP" schedule "$name.csv" --format csv
  expect_same out "$name.csv"
done

refused 2 "1F2B" "'1F1B'" -- "$PP" schedule 1F2B "${size[@]}"
refused 2 "1F2B" "'1F1B'" -- "$PP" schedule 1F2B
refused 2 "--list" -- "$PP" schedule
refused 2 "--ranks" "--microbatches" -- "$PP" schedule 1F1B
refused 2 "--ranks" -- "$PP" schedule 1F1B --ranks 0 --microbatches 3
refused 2 "F" -- "$PP" schedule 1F1B "${size[@]}" --cost F=fast
refused 2 "F=1e308" "1e12" -- "$PP" schedule 1F1B "${size[@]}" --cost F=1e308
refused 2 "too many" "1048576" \
  -- "$PP" schedule 1F1B --ranks 65536 --microbatches 1048576
refused 4 "Is a directory" -- "$PP" schedule 1F1B "${size[@]}" -o .
expect_ok "$PP" schedule 1F1B "${size[@]}" --cost F=0,I=0,W=0
expect_no_text out nan inf
refused 2 "X" -- "$PP" schedule 1F1B "${size[@]}" --cost X=1
refused 2 "--format" "png" -- "$PP" schedule 1F1B "${size[@]}" --format png
refused 2 "V" -- "$PP" schedule ZBVZeroBubble "${size[@]}" --stages-per-rank 3
refused 3 "nope.csv" -- "$PP" schedule nope.csv
printf '0F0,0B0\n1F0,1X0\n' >letters.csv
refused 3 "letters.csv" "1X0" -- "$PP" schedule letters.csv
printf '0F0,0B0\n1B0,1F0\n' >order.csv
refused 3 "order.csv" "1B0" -- "$PP" schedule order.csv
printf '0F0,0B0\n1F0\n' >missing.csv
refused 3 "missing.csv" "1" -- "$PP" schedule missing.csv
: >empty.csv
refused 3 "empty.csv" "no actions" -- "$PP" schedule empty.csv
head -c 3000 /dev/urandom >noise.csv
refused 3 "noise.csv" -- "$PP" schedule noise.csv
refused 4 "/proc/nowhere" -- "$PP" schedule 1F1B "${size[@]}" -o /proc/nowhere/x

# Colours only on a terminal, and not if NO_COLOR is set.
for no_color in "" 1; do
  check_python '
import os, pty, sys
os.environ["NO_COLOR"] = sys.argv[2]
seen = bytearray()
def read(fd):
    chunk = os.read(fd, 4096)
    seen.extend(chunk)
    return chunk
status = pty.spawn(
    [sys.argv[1], "schedule", "1F1B", "--ranks", "2", "--microbatches", "2"], read)
assert os.waitstatus_to_exitcode(status) == 0, status
assert b"rank" in seen or b"0" in seen, seen
assert (b"\x1b[" in seen) == (sys.argv[2] == ""), seen' "$PP" "$no_color"
done
expect_ok "$PP" schedule 1F1B --ranks 2 --microbatches 2
expect_no_text out $'\x1b['
