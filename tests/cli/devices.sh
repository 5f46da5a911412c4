# A model that was exported on CUDA: its devices are the rank's.
source "$(dirname "$0")/lib.sh"
# An export on CUDA has "cuda" wherever this one says "cpu".
check_python '
import json, sys, zipfile, torch
source, target = sys.argv[1:]
with zipfile.ZipFile(source) as archive:
    records = {n.split("/", 1)[1]: archive.read(n) for n in archive.namelist()}
writer = torch._C.PyTorchFileWriter(target)
cuda = lambda text: text.replace(
    b"\"type\": \"cpu\", \"index\": null", b"\"type\": \"cuda\", \"index\": 0")
seen = 0
for name, content in records.items():
    if name.startswith(".data/") or name == "byteorder":
        continue
    if name.endswith(".json"):
        seen += cuda(content) != content
        content = cuda(content)
    writer.write_record(name, content, len(content))
writer.write_record("byteorder", b"little", 6)
writer.write_end_of_file()
assert seen >= 2, seen
' "$FIXTURES/tied-gpt.pt2" cuda.pt2
cp "$FIXTURES/tied-gpt.pt2" cpu.pt2
expect_ok "$PP" inspect cuda.pt2
expect_ok "$PP" verify cuda.pt2 --at layers.2 --tolerance 1e-6
for model in cuda cpu; do
  expect_ok "$PP" split $model.pt2 --at layers.2 -o $model
  expect_ok "$PP" verify $model
  cp out $model.out
done
expect_same cuda.out cpu.out
