// Reads files with a few wrong bytes. Each is read or refused with pp::Error,
// and no memory outside the file is touched, which the preset `asan` checks.
#include <functional>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "loader/archive/bytes.h"
#include "loader/archive/npy.h"
#include "loader/archive/pickle_tensors.h"
#include "loader/archive/safetensors.h"
#include "loader/archive/zip_inflate.h"
#include "loader/archive/zip_writer.h"
#include "loader/core/error.h"
#include "tests/archive/raw_zip.h"
#include "tests/archive/temp_folder.h"

namespace pp::test {
namespace {

using namespace std::string_literals;

/// Makes a few changes: replaces a byte, cuts the end, doubles a part.
std::string mutate(std::string text, std::mt19937_64& random) {
  const auto below = [&](size_t limit) { return random() % limit; };
  const size_t changes = 1 + below(4);
  for (size_t i = 0; i < changes && !text.empty(); ++i) {
    const size_t at = below(text.size());
    switch (below(5)) {
      case 0:
        text[at] = static_cast<char>(random());
        break;
      case 1:
        text[at] = "\x00\xff\x7f\x80"[below(4)];
        break;
      case 2:
        text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
        break;
      case 3:
        text.replace(at, 8, 8, random() % 2 == 0 ? '\xff' : '\0');
        break;
      default:
        if (below(8) == 0) {
          text.resize(at);
        } else {
          text.insert(at, text.substr(at, 1 + below(8)));
        }
    }
  }
  return text;
}

/// Reads `count` mutations of `sound` and returns how many were refused.
int refusals(
    const std::string& sound,
    int count,
    const std::function<void(const std::filesystem::path&)>& read) {
  const TempFolder folder;
  std::mt19937_64 random(20);
  int refused = 0;
  read(folder.put("f", sound));  // must open unchanged
  for (int i = 0; i < count; ++i) {
    const auto path = folder.put("f", mutate(sound, random));
    try {
      read(path);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Input) << error.what();
      ++refused;
    }
  }
  return refused;
}

/// Sums up all bytes, so that a view outside the file is noticed.
unsigned touch(std::span<const std::byte> bytes) {
  return zip::crc32_of(bytes);
}

std::string sample_zip() {
  const TempFolder folder;
  ZipWriter writer(folder / "z", "z");
  writer.add("a", "one");
  writer.add("data/0", std::string(48, '0'));
  writer.add("empty", "");
  writer.finish();
  return slurp(folder / "z");
}

TEST(Fuzz, Zip) {
  const int refused =
      refusals(sample_zip(), 5000, [](const std::filesystem::path& path) {
        const ZipReader reader(path);
        for (const ZipRecord& record : reader.records()) {
          if (!record.deflated) {
            touch(reader.bytes(record));
          }
          reader.content(record);
        }
      });
  EXPECT_GT(refused, 2500);
}

TEST(Fuzz, Pickle) {
  // torch.save({'w': tensor, 'l': [1, 'x']})
  const std::string program =
      "\x80\x02}q\0(X\1\0\0\0wq\1ctorch._utils\n_rebuild_tensor_v2\nq\2(("
      "X\7\0\0\0storageq\3ctorch\nFloatStorage\nq\4X\1\0\0\0"
      "0q\5X\3\0\0\0cpuq\6K\x0ctq\7QK\0K\3K\4\x86q\x08K\4K\1\x86q\x09\x89"
      "ccollections\nOrderedDict\nq\x0a)Rq\x0btq\x0cRq\x0dX\1\0\0\0lq\x0e"
      "]q\x0f(K\1X\1\0\0\0xeu."s;
  const TempFolder folder;
  std::mt19937_64 random(21);
  int refused = 0;
  for (int i = 0; i < 5000; ++i) {
    // The zip around it is valid, so that the pickle reader is reached.
    const auto path = folder.put(
        "p",
        raw_zip(
            {{.name = "p/data.pkl",
              .payload = i == 0 ? program : mutate(program, random)},
             {.name = "p/data/0", .payload = std::string(48, '\0')}}));
    try {
      read_pickle(ZipReader(path));
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Input) << error.what();
      ++refused;
    }
  }
  EXPECT_GT(refused, 2500);
  EXPECT_LT(refused, 5000);
}

TEST(Fuzz, Safetensors) {
  const TempFolder folder;
  const std::string bytes(24, 'x');
  write_safetensors(
      folder / "s",
      {{"a", {ir::ScalarType::Float, {2, 3}, as_bytes(bytes)}},
       {"b", {ir::ScalarType::Long, {3}, as_bytes(bytes)}}},
      {{"k", "v"}});
  const int refused = refusals(
      slurp(folder / "s"), 5000, [](const std::filesystem::path& path) {
        const SafetensorsReader reader(path);
        for (const auto& [name, view] : reader.tensors()) {
          touch(view.bytes);
        }
      });
  EXPECT_GT(refused, 2500);
}

TEST(Fuzz, Npy) {
  const std::string header =
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n";
  std::string sound = "\x93NUMPY\1\0"s;
  append_le<uint16_t>(sound, static_cast<uint16_t>(header.size()));
  sound += header + std::string(24, 'd');
  const int refused =
      refusals(sound, 5000, [](const std::filesystem::path& path) {
        const NpyReader reader(path);
        touch(reader.tensor().bytes);
      });
  EXPECT_GT(refused, 2500);
}

}  // namespace
}  // namespace pp::test
