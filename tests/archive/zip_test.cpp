#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include "loader/archive/bytes.h"
#include "loader/archive/zip_reader.h"
#include "loader/archive/zip_writer.h"
#include "tests/archive/expect_error.h"
#include "tests/archive/raw_zip.h"
#include "tests/archive/temp_folder.h"

namespace pp::test {
namespace {

/// A small archive with records of many lengths.
std::filesystem::path write_sample(
    const TempFolder& folder, const std::string& name = "m.pt2") {
  ZipWriter writer(folder / name, "m");
  writer.add("archive_format", "pt2");
  for (int length = 0; length < 70; ++length) {
    writer.add("data/w" + std::to_string(length), std::string(length, 'x'));
  }
  writer.add("data/nested/deep", "deep");
  writer.finish();
  return folder / name;
}

/// Compresses to a raw deflate stream, as zips contain it.
std::string deflated(std::string text) {
  std::string out(text.size() + 64, '\0');
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(text.data());
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

/// Puts the CRC-32 of a deflated record's content into both headers. raw_zip()
/// writes that of the deflated bytes.
std::string with_crc(std::string raw, uint32_t from, uint32_t to) {
  std::string old_bytes;
  std::string new_bytes;
  append_le<uint32_t>(old_bytes, from);
  append_le<uint32_t>(new_bytes, to);
  for (size_t at = raw.find(old_bytes); at != std::string::npos;
       at = raw.find(old_bytes, at + 4)) {
    raw.replace(at, 4, new_bytes);
  }
  return raw;
}

TEST(Zip, ReadsBackWhatItWrote) {
  const TempFolder folder;
  const ZipReader reader(write_sample(folder));
  EXPECT_EQ(reader.top_folder(), "m");
  EXPECT_EQ(reader.records().size(), 72U);
  EXPECT_EQ(reader.records()[0].name, "archive_format");
  EXPECT_EQ(reader.text("archive_format"), "pt2");
  for (int length = 0; length < 70; ++length) {
    EXPECT_EQ(
        reader.text("data/w" + std::to_string(length)),
        std::string(length, 'x'));
  }
  EXPECT_EQ(reader.text("data/nested/deep"), "deep");
  EXPECT_FALSE(reader.has("data"));
  EXPECT_EQ(reader.try_find("nothing"), nullptr);
}

TEST(Zip, AlignsEveryPayloadTo64Bytes) {
  const TempFolder folder;
  const ZipReader reader(write_sample(folder));
  for (const ZipRecord& record : reader.records()) {
    EXPECT_EQ(record.offset % 64, 0U) << record.name;
  }
}

TEST(Zip, SameContentGivesTheSameBytes) {
  const TempFolder folder;
  EXPECT_EQ(
      slurp(write_sample(folder, "a.pt2")),
      slurp(write_sample(folder, "b.pt2")));
}

TEST(Zip, CopyKeepsBytesCrcAndHash) {
  const TempFolder folder;
  const ZipReader source(write_sample(folder));
  ZipWriter writer(folder / "copy.pt2", "other");
  for (const ZipRecord& record : source.records()) {
    writer.copy(record.name, source, record);
  }
  writer.finish();
  const ZipReader copy(folder / "copy.pt2");
  EXPECT_EQ(copy.top_folder(), "other");
  ASSERT_EQ(copy.records().size(), source.records().size());
  for (const ZipRecord& record : source.records()) {
    EXPECT_EQ(copy.find(record.name).crc32, record.crc32);
    EXPECT_EQ(copy.text(record.name), source.text(record.name));
  }
  EXPECT_EQ(copy.content_hash(), source.content_hash());
}

TEST(Zip, CopyWorksAcrossFileSystems) {
  const std::filesystem::path memory = "/dev/shm";
  if (::access(memory.c_str(), W_OK) != 0) {
    GTEST_SKIP() << "no /dev/shm here";
  }
  const TempFolder folder;
  const ZipReader source(write_sample(folder));
  const auto target =
      memory / ("pp_archive_test_" + std::to_string(::getpid()));
  ZipWriter writer(target, "m");
  writer.copy("w", source, source.find("data/w69"));
  writer.finish();
  EXPECT_EQ(ZipReader(target).text("w"), std::string(69, 'x'));
  std::filesystem::remove(target);
}

TEST(Zip, HashTellsNameSizeAndContentApart) {
  const TempFolder folder;
  const auto hash = [&](const std::string& name, const std::string& payload) {
    ZipWriter writer(folder / "h.pt2", "h");
    writer.add(name, payload);
    writer.finish();
    return ZipReader(folder / "h.pt2").content_hash();
  };
  const std::string one = hash("a", "1");
  EXPECT_EQ(one.size(), 16U);
  EXPECT_EQ(one, hash("a", "1"));
  EXPECT_NE(one, hash("b", "1"));
  EXPECT_NE(one, hash("a", "2"));
  EXPECT_NE(one, hash("a", "11"));
}

TEST(Zip, HashDoesNotDependOnTheOrderOfRecords) {
  const TempFolder folder;
  for (const bool reversed : {false, true}) {
    ZipWriter writer(folder / (reversed ? "r" : "f"), "t");
    writer.add(reversed ? "b" : "a", reversed ? "2" : "1");
    writer.add(reversed ? "a" : "b", reversed ? "1" : "2");
    writer.finish();
  }
  EXPECT_EQ(
      ZipReader(folder / "r").content_hash(),
      ZipReader(folder / "f").content_hash());
}

TEST(Zip, OpensAnArchiveWithinAnArchive) {
  const TempFolder folder;
  const std::string inner = slurp(write_sample(folder, "inner.pt"));
  ZipWriter writer(folder / "outer.pt2", "outer");
  writer.add("before", std::string(1000, 'b'));
  writer.add("model.pt", inner);
  writer.finish();

  const ZipReader outer(folder / "outer.pt2");
  const ZipReader nested = ZipReader::nested(outer, outer.find("model.pt"));
  EXPECT_EQ(nested.top_folder(), "m");
  EXPECT_EQ(nested.text("data/w33"), std::string(33, 'x'));
  EXPECT_EQ(nested.path(), outer.path());
  // Offsets are positions in the outer file.
  const ZipRecord& record = nested.find("data/nested/deep");
  EXPECT_EQ(
      slurp(folder / "outer.pt2").substr(record.offset, record.num_bytes),
      "deep");
  expect_input_error(
      "outer.pt2: model.pt: record 'x' is missing", [&] { nested.find("x"); });
}

TEST(Zip, WritesMoreRecordsThanSixteenBitsCount) {
  const TempFolder folder;
  constexpr int kMany = 70'000;
  ZipWriter writer(folder / "many", "m");
  for (int i = 0; i < kMany; ++i) {
    writer.add(std::to_string(i), "");
  }
  writer.finish();
  const ZipReader reader(folder / "many");
  EXPECT_EQ(reader.records().size(), size_t{kMany});
  EXPECT_TRUE(reader.has("69999"));
}

TEST(Zip, ReadsPlainZipsWithFoldersAndAComment) {
  const TempFolder folder;
  std::string raw =
      raw_zip({{.name = "t/", .payload = ""}, {.name = "t/a", .payload = "A"}});
  raw[raw.size() - 2] = 5;  // length of the comment
  const ZipReader reader(folder.put("plain.zip", raw + "hello"));
  ASSERT_EQ(reader.records().size(), 1U);
  EXPECT_EQ(reader.text("a"), "A");
}

TEST(Zip, ReadsSizesFromADescriptorAndFromZip64Fields) {
  const TempFolder folder;
  const ZipReader reader(folder.put(
      "mixed.zip",
      raw_zip(
          {{.name = "t/descriptor", .payload = "D", .descriptor = true},
           {.name = "t/zip64",
            .payload = "sixty-four",
            .extra =
                "FB\x02" + std::string(1, '\0') + "ZZ" + zip64_field({10, 10}),
            .size_field = zip::kSee64}})));
  EXPECT_EQ(reader.text("descriptor"), "D");
  EXPECT_EQ(reader.text("zip64"), "sixty-four");
}

TEST(Zip, InflatesTheSourcesOfTorchScriptOnly) {
  const TempFolder folder;
  const std::string source(5000, 'p');
  const std::string packed = deflated(source);
  const auto raw = [&](const std::string& name) {
    return with_crc(
        raw_zip(
            {{.name = "t/" + name,
              .payload = packed,
              .method = zip::kDeflated,
              .size = source.size()},
             {.name = "t/z", .payload = "z"}}),
        zip::crc32_of(as_bytes(packed)),
        zip::crc32_of(as_bytes(source)));
  };
  const ZipReader reader(folder.put("ts.pt", raw("code/a.py")));
  const ZipRecord& record = reader.find("code/a.py");
  EXPECT_TRUE(record.deflated);
  EXPECT_EQ(record.inflated_bytes, source.size());
  EXPECT_EQ(reader.content(record), source);
  EXPECT_EQ(reader.content(reader.find("z")), "z");
  expect_input_error(
      "record 'code/a.py' is compressed", [&] { reader.text("code/a.py"); });

  ZipWriter writer(folder / "copy.pt", "c");
  writer.copy("code/a.py", reader, record);
  writer.finish();
  const ZipReader copy(folder / "copy.pt");
  EXPECT_EQ(copy.content(copy.find("code/a.py")), source);
  EXPECT_EQ(copy.find("code/a.py").num_bytes, packed.size());

  expect_input_error(
      "record 'data/0' is compressed (method 8); records must be uncompressed",
      [&] { ZipReader(folder.put("no.pt", raw("data/0"))); });
}

TEST(ZipWriter, LeavesNothingBehindWithoutFinish) {
  const TempFolder folder;
  {
    ZipWriter writer(folder / "m.pt2", "m");
    writer.add("a", "1");
    EXPECT_EQ(folder.names(), ".m.pt2.tmp." + std::to_string(::getpid()) + " ");
  }
  EXPECT_EQ(folder.names(), "");
}

TEST(ZipWriter, KeepsTheOldFileUntilFinish) {
  const TempFolder folder;
  folder.put("m.pt2", "old");
  ZipWriter writer(folder / "m.pt2", "m");
  writer.add("a", "1");
  EXPECT_EQ(slurp(folder / "m.pt2"), "old");
  writer.finish();
  EXPECT_EQ(folder.names(), "m.pt2 ");
  EXPECT_EQ(ZipReader(folder / "m.pt2").text("a"), "1");
}

TEST(ZipWriter, TwoWritersOfOneTargetDoNotMeet) {
  const TempFolder folder;
  ZipWriter first(folder / "m.pt2", "m");
  ZipWriter second(folder / "m.pt2", "m");
  first.add("a", "first");
  second.add("a", "second");
  first.finish();
  second.finish();
  EXPECT_EQ(ZipReader(folder / "m.pt2").text("a"), "second");
  EXPECT_EQ(folder.names(), "m.pt2 ");
}

TEST(ZipWriter, MissingFolderIsARuntimeError) {
  const TempFolder folder;
  expect_error(
      ErrorKind::Runtime,
      "/none/m.pt2: cannot write it: No such file or directory",
      [&] { ZipWriter(folder / "none/m.pt2", "m"); });
}

TEST(ZipWriter, RefusesAMisuseOfItself) {
  const TempFolder folder;
  EXPECT_THROW(ZipWriter(folder / "m", ""), std::logic_error);
  EXPECT_THROW(ZipWriter(folder / "m", "a/b"), std::logic_error);
  ZipWriter writer(folder / "m", "m");
  writer.add("a", "1");
  EXPECT_THROW(writer.add("a", "2"), std::logic_error);
  EXPECT_THROW(writer.add("", "2"), std::logic_error);
}

}  // namespace
}  // namespace pp::test
