// Commands for python_opens.py:
//   copy SOURCE TARGET       copies every record with ZipWriter::copy
//   add SOURCE TARGET        copies every record through memory
//   nest SOURCE RECORD       prints the pickle of an archive within an archive
//   pickle FILE              prints its value as text
//   npy FILE TARGET          converts to a .safetensors with one tensor,
//   'array' safetensors FILE TARGET  reads the file and writes it
#include <iostream>
#include <string>

#include "loader/archive/npy.h"
#include "loader/archive/pickle_tensors.h"
#include "loader/archive/safetensors.h"
#include "loader/archive/zip_reader.h"
#include "loader/archive/zip_writer.h"
#include "loader/core/error.h"
#include "tests/archive/pickle_text.h"

namespace pp::test {
namespace {

void rewrite(const std::string& from, const std::string& to, bool copy) {
  const ZipReader source(from);
  ZipWriter writer(to, "rewritten");
  for (const ZipRecord& record : source.records()) {
    if (copy || record.deflated) {
      writer.copy(record.name, source, record);
    } else {
      writer.add(record.name, source.bytes(record));
    }
  }
  writer.finish();
  if (ZipReader(to).content_hash() != source.content_hash()) {
    throw runtime_error(to + ": its hash is not that of " + from);
  }
}

void run(const std::string& what, const std::string& a, const std::string& b) {
  if (what == "copy" || what == "add") {
    rewrite(a, b, what == "copy");
  } else if (what == "nest") {
    const ZipReader outer(a);
    std::cout << pickle_text(
        read_pickle(ZipReader::nested(outer, outer.find(b))));
  } else if (what == "pickle") {
    std::cout << pickle_text(read_pickle(ZipReader(a)));
  } else if (what == "npy") {
    write_safetensors(b, {{"array", NpyReader(a).tensor()}});
  } else if (what == "safetensors") {
    const SafetensorsReader reader(a);
    write_safetensors(b, reader.tensors(), reader.metadata());
  } else {
    throw usage_error("unknown command '" + what + "'");
  }
}

}  // namespace
}  // namespace pp::test

int main(int argc, char** argv) {
  try {
    const std::string what = argc > 1 ? argv[1] : "";
    const std::string a = argc > 2 ? argv[2] : "";
    const std::string b = argc > 3 ? argv[3] : "";
    pp::test::run(what, a, b);
    return 0;
  } catch (const pp::Error& error) {
    std::cerr << error.what() << '\n';
    return static_cast<int>(error.kind());
  }
}
