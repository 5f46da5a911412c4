// Every way in which an archive can be damaged, and its message.
#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "loader/archive/bytes.h"
#include "loader/archive/zip_reader.h"
#include "loader/archive/zip_writer.h"
#include "tests/archive/expect_error.h"
#include "tests/archive/raw_zip.h"
#include "tests/archive/temp_folder.h"

namespace pp::test {
namespace {

/// A valid archive, positions in it, and a way to change its numbers.
struct Bytes {
  std::string text;

  size_t end() const { return text.rfind("PK\x05\x06"); }
  size_t locator() const { return text.rfind("PK\x06\x07"); }
  size_t end64() const { return text.rfind("PK\x06\x06"); }
  size_t entry(const std::string& name) const {
    return text.rfind(name) - zip::kEntrySize;
  }
  size_t header(const std::string& name) const {
    return text.find(name) - zip::kLocalSize;
  }
  template <class T>
  void put(size_t at, T value) {
    std::string raw;
    append_le(raw, value);
    text.replace(at, raw.size(), raw);
  }
};

Bytes sample() {
  const TempFolder folder;
  ZipWriter writer(folder / "m", "m");
  writer.add("first", "AAAA");
  writer.add("second", std::string(100, 'B'));
  writer.finish();
  return {slurp(folder / "m")};
}

struct Case {
  const char* name;
  const char* text;
  std::function<void(Bytes&)> bend;
};

void PrintTo(const Case& c, std::ostream* out) {
  *out << c.name;
}

class DamagedZip : public testing::TestWithParam<Case> {};

TEST_P(DamagedZip, IsRefusedWithItsReason) {
  const TempFolder folder;
  Bytes bytes = sample();
  GetParam().bend(bytes);
  const auto path = folder.put("bad.pt2", bytes.text);
  expect_input_error(path.string() + ": ", [&] { ZipReader{path}; });
  expect_input_error(GetParam().text, [&] { ZipReader{path}; });
}

const Case kDamage[] = {
    // --- the end of the file ---
    {"Empty", "is empty, not a zip archive", [](Bytes& b) { b.text = ""; }},
    {"OneByte", "is not a zip archive; it", [](Bytes& b) { b.text = "P"; }},
    {"Text",
     "is not a zip archive; it must be a file written by torch.export.save",
     [](Bytes& b) { b.text = std::string(1000, 't'); }},
    {"BarePickle",
     "is a bare pickle, not a zip archive; save it with",
     [](Bytes& b) { b.text = "\x80\x02}q\x01."; }},
    {"SafetensorsWithAHeaderOf640Bytes",
     "is not a zip archive; it must be a file written by torch.export.save",
     [](Bytes& b) {
       b.text = std::string("\x80\x02\0\0\0\0\0\0{}", 10);
       b.text.resize(8 + 640, ' ');
     }},
    {"SafetensorsWithAHeaderOf128Bytes",
     "is not a zip archive; it must be a file written by torch.export.save",
     [](Bytes& b) {
       b.text = std::string("\x80\0\0\0\0\0\0\0{}", 10);
       b.text.resize(8 + 128, ' ');
     }},
    {"CutInTheMiddle",
     "is truncated: it begins as a zip archive",
     [](Bytes& b) { b.text.resize(b.text.size() / 2); }},
    {"CutByOneByte",
     "is truncated: it begins as a zip archive",
     [](Bytes& b) { b.text.pop_back(); }},
    {"FrontCutOff",
     "zip64 end record is not where its locator says",
     [](Bytes& b) { b.text.erase(0, 64); }},
    {"SeveralParts",
     "is one part of a multi-part zip",
     [](Bytes& b) { b.put<uint32_t>(b.end64() + 16, 1); }},
    {"SeveralPartsOfPlainZip",
     "is one part of a multi-part zip",
     [](Bytes& b) {
       b.text = raw_zip({{.name = "t/a", .payload = "x"}});
       b.put<uint16_t>(b.end() + 4, 1);
     }},
    {"EntryOfAnotherPart",
     "is one part of a multi-part zip",
     [](Bytes& b) { b.put<uint16_t>(b.entry("m/first") + 34, 1); }},
    {"LocatorPointsElsewhere",
     "zip64 end record is not where its locator says (offset 3)",
     [](Bytes& b) { b.put<uint64_t>(b.locator() + 8, 3); }},
    {"LocatorPointsPastTheFile",
     "not where its locator says",
     [](Bytes& b) { b.put<uint64_t>(b.locator() + 8, UINT64_MAX - 8); }},
    {"EndRecordsDisagree",
     "its zip and zip64 end records disagree",
     [](Bytes& b) { b.put<uint16_t>(b.end() + 10, 3); }},
    {"NoZip64RecordButItsMarks",
     "is truncated or damaged: its zip directory",
     [](Bytes& b) {
       b.text.erase(b.end64(), zip::kEnd64Size + zip::kLocator64Size);
       b.put<uint32_t>(b.end() + 16, zip::kSee64);
     }},

    // --- the directory as a whole ---
    {"DirectoryPastTheFile",
     "is truncated or damaged: its zip directory",
     [](Bytes& b) {
       b.put<uint64_t>(b.end64() + 48, UINT64_MAX - 2);
       b.put<uint32_t>(b.end() + 16, zip::kSee64);
     }},
    {"DirectorySizeOverflows",
     "is truncated or damaged: its zip directory",
     [](Bytes& b) {
       b.put<uint64_t>(b.end64() + 40, UINT64_MAX - 2);
       b.put<uint32_t>(b.end() + 12, zip::kSee64);
     }},
    {"CountBomb",
     "18446744073709551615 records do not fit its zip directory",
     [](Bytes& b) {
       b.put<uint64_t>(b.end64() + 24, UINT64_MAX);
       b.put<uint64_t>(b.end64() + 32, UINT64_MAX);
       b.put<uint16_t>(b.end() + 10, zip::kSee64Short);
     }},
    {"CountTooSmall",
     "its zip directory holds more records than the 1 that",
     [](Bytes& b) {
       b.put<uint64_t>(b.end64() + 24, 1);
       b.put<uint64_t>(b.end64() + 32, 1);
       b.put<uint16_t>(b.end() + 10, 1);
     }},
    {"NoRecords",
     "is a zip archive without records",
     [](Bytes& b) { b.text = raw_zip({}); }},

    // --- an entry of the directory ---
    {"BadEntryMagic",
     "there is no entry at byte 0 of the zip directory",
     [](Bytes& b) { b.put<uint32_t>(b.entry("m/first"), 7); }},
    {"EntryNameTooLong",
     "runs past the end of the zip directory",
     [](Bytes& b) { b.put<uint16_t>(b.entry("m/second") + 28, 60000); }},
    {"Encrypted",
     "record 'm/first' is encrypted",
     [](Bytes& b) { b.put<uint16_t>(b.entry("m/first") + 8, 1); }},
    {"Compressed",
     "record 'data' is compressed (method 8); records must be",
     [](Bytes& b) {
       b.text = raw_zip({{.name = "t/data", .payload = "x", .method = 8}});
     }},
    {"UnknownMethodForCode",
     "record 'code/a' is compressed (method 99)",
     [](Bytes& b) {
       b.text = raw_zip({{.name = "t/code/a", .payload = "x", .method = 99}});
     }},
    {"TwoSizes",
     "record 'a' is uncompressed, but its two sizes differ: 1 and 9",
     [](Bytes& b) {
       b.text = raw_zip({{.name = "t/a", .payload = "x", .size = 9}});
     }},
    {"Zip64SizesMissing",
     "record 't/a' lacks its zip64 sizes",
     [](Bytes& b) {
       b.text = raw_zip(
           {{.name = "t/a", .payload = "x", .size_field = zip::kSee64}});
     }},
    {"Zip64SizesCutShort",
     "record 't/a' lacks its zip64 sizes",
     [](Bytes& b) {
       b.text = raw_zip(
           {{.name = "t/a",
             .payload = "x",
             .extra = zip64_field({1}),
             .size_field = zip::kSee64}});
     }},
    {"ExtraFieldCutOff",
     "record 't/a' has a truncated extra field",
     [](Bytes& b) {
       b.text = raw_zip(
           {{.name = "t/a",
             .payload = "x",
             .extra = std::string("FB\xff\xff", 4),
             .size_field = zip::kSee64}});
     }},
    {"Zip64Bomb",
     "record 't/a' should have 1152921504606846976 bytes at offset 33, but",
     [](Bytes& b) {
       b.text = raw_zip(
           {{.name = "t/a",
             .payload = "x",
             .extra = zip64_field({1ULL << 60U, 1ULL << 60U}),
             .size_field = zip::kSee64}});
     }},
    {"Zip64Overflow",
     "record 't/a' should have 18446744073709551615 bytes at offset 33",
     [](Bytes& b) {
       b.text = raw_zip(
           {{.name = "t/a",
             .payload = "x",
             .extra = zip64_field({UINT64_MAX, UINT64_MAX}),
             .size_field = zip::kSee64}});
     }},
    {"Zip64OffsetPastTheFile",
     "record 't/a' should begin at offset 18446744073709551614, but",
     [](Bytes& b) {
       b.text = raw_zip(
           {{.name = "t/a",
             .payload = "x",
             .extra = zip64_field({UINT64_MAX - 1}),
             .offset_field = zip::kSee64}});
     }},

    // --- a record ---
    {"OffsetPastTheFile",
     "record 'm/second' should begin at offset 99999999",
     [](Bytes& b) { b.put<uint32_t>(b.entry("m/second") + 42, 99999999); }},
    {"OffsetElsewhere",
     "record 'm/second' has no header at offset 5",
     [](Bytes& b) { b.put<uint32_t>(b.entry("m/second") + 42, 5); }},
    {"SizePastTheEnd",
     "record 'm/second' should have 200 bytes at offset 128, but",
     [](Bytes& b) {
       b.put<uint32_t>(b.entry("m/second") + 20, 200);
       b.put<uint32_t>(b.entry("m/second") + 24, 200);
     }},
    {"HeaderLeadsPastTheEnd",
     "record 'm/second' should have 100 bytes at offset",
     [](Bytes& b) { b.put<uint16_t>(b.header("m/second") + 28, 60000); }},
    {"BadHeaderMagic",
     "record 'm/first' has no header at offset 0",
     [](Bytes& b) { b.put<uint32_t>(0, 1); }},
    {"HeaderNamesAnother",
     "the header of record 'm/first' at offset 0 disagr",
     [](Bytes& b) { b.text[b.header("m/first") + 33] = 'X'; }},
    {"HeaderHasAnotherSize",
     "the header of record 'm/first' at offset 0 disa",
     [](Bytes& b) { b.put<uint32_t>(18, 5); }},
    {"HeaderHasAnotherCrc",
     "the header of record 'm/first' at offset 0 disa",
     [](Bytes& b) { b.put<uint32_t>(14, 5); }},
    {"HeaderHasAnotherMethod",
     "the header of record 'm/first' at offset 0 di",
     [](Bytes& b) { b.put<uint16_t>(8, 8); }},
    {"Overlap",
     "records 't/a' and 't/b' overlap",
     [](Bytes& b) {
       // According to its size t/a reaches into t/b.
       b.text = raw_zip(
           {{.name = "t/a", .payload = "x", .descriptor = true},
            {.name = "t/b", .payload = std::string(50, 'b')}});
       b.put<uint32_t>(b.entry("t/a") + 20, 30);
       b.put<uint32_t>(b.entry("t/a") + 24, 30);
     }},
    {"SameRecordTwice",
     "records 't/a' and 't/a' overlap",
     [](Bytes& b) {
       b.text = raw_zip(
           {{.name = "t/a", .payload = "x"}, {.name = "t/a", .payload = "y"}});
       const size_t second = b.text.rfind("PK\x01\x02");
       b.put<uint32_t>(second + 42, 0);
       b.put<uint32_t>(second + 16, zip::crc32_of(as_bytes("x")));
     }},

    // --- names ---
    {"DuplicateName",
     "record 'a' appears twice",
     [](Bytes& b) {
       b.text = raw_zip(
           {{.name = "t/a", .payload = "x"}, {.name = "t/a", .payload = "y"}});
     }},
    {"NamesThatDifferInCaseOnly",
     "record 'CODE/A.py' differs from another record only in letter case",
     [](Bytes& b) {
       b.text = raw_zip(
           {{.name = "t/code/a.py", .payload = "x"},
            {.name = "t/CODE/A.py", .payload = "y"}});
     }},
    {"DotDot",
     "record name 't/../../etc/passwd' is not a path inside the archive's "
     "folder",
     [](Bytes& b) {
       b.text = raw_zip({{.name = "t/../../etc/passwd", .payload = "x"}});
     }},
    {"Absolute",
     "record name '/etc/passwd' is not a path inside the archive's folder",
     [](Bytes& b) {
       b.text = raw_zip({{.name = "/etc/passwd", .payload = "x"}});
     }},
    {"Backslash",
     "is not a path inside the archive's folder",
     [](Bytes& b) { b.text = raw_zip({{.name = "t/..\\a", .payload = "x"}}); }},
    {"NoName",
     "record name '' is not a path inside the archive's folder",
     [](Bytes& b) { b.text = raw_zip({{.name = "", .payload = "x"}}); }},
    {"NoTopFolder",
     "record 'version' is not under a top folder",
     [](Bytes& b) { b.text = raw_zip({{.name = "version", .payload = "3"}}); }},
    {"TwoTopFolders",
     "record 'u/b' is not under the top folder 't'",
     [](Bytes& b) {
       b.text = raw_zip(
           {{.name = "t/a", .payload = "x"}, {.name = "u/b", .payload = "y"}});
     }},
};

INSTANTIATE_TEST_SUITE_P(
    Every, DamagedZip, testing::ValuesIn(kDamage), [](const auto& row) {
      return std::string(row.param.name);
    });

TEST(DamagedRecord, FailsItsCrcWhenReadAsText) {
  const TempFolder folder;
  Bytes bytes = sample();
  bytes.text[bytes.text.find("AAAA")] = 'C';
  const ZipReader reader(folder.put("bad.pt2", bytes.text));
  expect_input_error("bad.pt2: record 'first' is damaged: its CRC-32 is ", [&] {
    reader.text("first");
  });
}

TEST(DamagedRecord, DeflatedSourceThatDoesNotInflate) {
  const TempFolder folder;
  const auto raw = [&](uint64_t size) {
    return folder.put(
        "bad.pt",
        raw_zip(
            {{.name = "t/code/a",
              .payload = "\xff\xff\xff\xff",
              .method = zip::kDeflated,
              .size = size}}));
  };
  const ZipReader reader(raw(10));
  expect_input_error(
      "record 'code/a' is damaged: it does not inflate to 10 bytes",
      [&] { reader.content(reader.find("code/a")); });
  // The ratio is beyond what deflate reaches: nothing is allocated.
  const ZipReader bomb(raw(1U << 20U));
  expect_input_error(
      "record 'code/a' is damaged: it does not inflate to 1048576 bytes",
      [&] { bomb.content(bomb.find("code/a")); });
  expect_input_error(
      "bad.pt: its compressed records inflate to more than 64",
      [&] { ZipReader(raw(0xfffffffe)); });
}

TEST(MissingFile, IsNamed) {
  expect_input_error(
      "/none/m.pt2: cannot read it: No such file or directory",
      [] { ZipReader("/none/m.pt2"); });
  expect_input_error(
      "/tmp: is a folder; a file is needed", [] { ZipReader("/tmp"); });
}

}  // namespace
}  // namespace pp::test
