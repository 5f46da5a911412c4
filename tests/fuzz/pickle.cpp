// The pickle of a file that torch.save wrote, beside two records with storages.
#include "loader/archive/pickle_tensors.h"
#include "tests/fuzz/archive_file.h"
#include "tests/fuzz/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pp;
  const fuzz::ArchiveFile archive(
      {{"data.pkl", std::string(fuzz::text_of(data, size))},
       {"byteorder", "little"},
       {"data/0", std::string(64, '\1')},
       {"data/1", std::string(24, '\2')}});
  fuzz::accepts([&] { read_pickle(archive.reader()); });
  return 0;
}
