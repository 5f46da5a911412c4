#include "loader/archive/npy.h"

#include <gtest/gtest.h>

#include "loader/archive/bytes.h"
#include "tests/archive/expect_error.h"
#include "tests/archive/temp_folder.h"

namespace pp::test {
namespace {

using ir::ScalarType;

std::string npy(const std::string& header, size_t num_bytes, char version = 1) {
  std::string out = "\x93NUMPY";
  out += version;
  out += '\0';
  if (version == 1) {
    append_le<uint16_t>(out, static_cast<uint16_t>(header.size()));
  } else {
    append_le<uint32_t>(out, static_cast<uint32_t>(header.size()));
  }
  return out + header + std::string(num_bytes, 'd');
}

std::string dict(const std::string& descr, const std::string& shape) {
  return "{'descr': '" + descr +
         "', 'fortran_order': False, 'shape': " + shape + ", }     \n";
}

TEST(Npy, ReadsEveryVersion) {
  const TempFolder folder;
  for (const char version : {'\1', '\2', '\3'}) {
    const NpyReader reader(
        folder.put("a.npy", npy(dict("<f4", "(2, 3)"), 24, version)));
    EXPECT_EQ(reader.tensor().dtype, ScalarType::Float);
    EXPECT_EQ(reader.tensor().sizes, (std::vector<int64_t>{2, 3}));
    EXPECT_EQ(as_text(reader.tensor().bytes), std::string(24, 'd'));
  }
}

TEST(Npy, ReadsScalarsVectorsAndEmptyArrays) {
  const TempFolder folder;
  const auto sizes = [&](const std::string& shape, size_t num_bytes) {
    return NpyReader(folder.put("a.npy", npy(dict("|b1", shape), num_bytes)))
        .tensor()
        .sizes;
  };
  EXPECT_EQ(sizes("()", 1), (std::vector<int64_t>{}));
  EXPECT_EQ(sizes("(5,)", 5), (std::vector<int64_t>{5}));
  EXPECT_EQ(sizes("(0, 9223372036854775807)", 0).size(), 2U);
}

// --- files that are refused ---

struct Case {
  const char* name;
  const char* text;
  std::string content;
};

void PrintTo(const Case& c, std::ostream* out) {
  *out << c.name;
}

class DamagedNpy : public testing::TestWithParam<Case> {};

TEST_P(DamagedNpy, IsRefusedWithItsReason) {
  const TempFolder folder;
  const auto path = folder.put("bad.npy", GetParam().content);
  expect_input_error(path.string() + ": ", [&] { NpyReader{path}; });
  expect_input_error(GetParam().text, [&] { NpyReader{path}; });
}

const Case kDamage[] = {
    {"Empty", "is not a .npy file, such as numpy.save writes", ""},
    {"OtherFile", "is not a .npy file", std::string(100, 'x')},
    {"MagicOnly", "is truncated in its header", "\x93NUMPY"},
    {"Version9",
     "has .npy version 9; 1 to 3 are supported",
     npy(dict("<f4", "()"), 4, 9)},
    {"HeaderCut",
     "is truncated in its header",
     npy(dict("<f4", "(2,)"), 0).substr(0, 20)},
    {"NoDict", "has a damaged .npy header", npy("(1, 2)", 4)},
    {"OpenDict", "has a damaged .npy header", npy("{'descr': '<f4'", 4)},
    {"KeyMissing",
     "has a damaged .npy header",
     npy("{'descr': '<f4', 'shape': (1,)}", 4)},
    {"KeyUnknown", "has a damaged .npy header", npy("{'x': 1}", 4)},
    {"ShapeOfText", "has a damaged .npy header", npy(dict("<f4", "('a',)"), 4)},
    {"ShapeOverflows",
     "has a damaged .npy header",
     npy(dict("<f4", "(99999999999999999999,)"), 4)},
    {"BigEndian",
     "is big endian ('>f4'); save it as little endian",
     npy(dict(">f4", "(1,)"), 4)},
    {"Objects", "holds pickled Python objects", npy(dict("|O", "(1,)"), 4)},
    {"Dates",
     "holds elements of type '<M8[ns]'",
     npy(dict("<M8[ns]", "(1,)"), 8)},
    {"NoByteOrder", "has a damaged .npy header", npy(dict("f4", "(1,)"), 4)},
    {"Fields",
     "holds elements of type 'structured'",
     npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}",
         4)},
    {"Fortran",
     "is in Fortran order; save numpy.ascontiguousarray(a)",
     npy("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1), }", 4)},
    {"Truncated",
     "an array of shape [3] and type float32 needs 12 bytes, but the file has "
     "11",
     npy(dict("<f4", "(3,)"), 11)},
    {"TooLong",
     "needs 12 bytes, but the file has 13",
     npy(dict("<f4", "(3,)"), 13)},
    {"Negative", "needs too many bytes", npy(dict("<f4", "(-1,)"), 4)},
    {"Bomb",
     "needs too many bytes",
     npy(dict("<f8", "(4611686018427387904, 4)"), 4)},
};

INSTANTIATE_TEST_SUITE_P(
    Every, DamagedNpy, testing::ValuesIn(kDamage), [](const auto& row) {
      return std::string(row.param.name);
    });

}  // namespace
}  // namespace pp::test
