// Hand-written programs that the restricted pickle reader accepts or refuses.
// python_opens.py tests it with files of torch.save.
#include <gtest/gtest.h>

#include "loader/archive/pickle_tensors.h"
#include "tests/archive/expect_error.h"
#include "tests/archive/pickle_text.h"
#include "tests/archive/raw_zip.h"
#include "tests/archive/temp_folder.h"

namespace pp::test {
namespace {

using namespace std::string_literals;

/// An archive with this program as data.pkl (a header of protocol 2 and a STOP
/// around it) and 48 bytes as data/0.
PickleValue read(
    const std::string& body, const std::string& byteorder = "little") {
  const TempFolder folder;
  return read_pickle(ZipReader(folder.put(
      "t.pt",
      raw_zip(
          {{.name = "t/data.pkl", .payload = "\x80\x02" + body + "."},
           {.name = "t/byteorder", .payload = byteorder},
           {.name = "t/data/0", .payload = std::string(48, '\0')}}))));
}

std::string text_of(const std::string& body) {
  return pickle_text(read(body));
}

std::string text_op(const std::string& text) {
  return "X"s + static_cast<char>(text.size()) + "\0\0\0"s + text;
}

/// A storage of `count` elements in data/0.
std::string storage(
    const std::string& type,
    int count,
    const std::string& key = "0",
    const std::string& device = "cpu") {
  return "(" + text_op("storage") + "c" + type + "\n" + text_op(key) +
         text_op(device) + "K" + static_cast<char>(count) + "tQ";
}

std::string tensor(
    const std::string& storage_program,
    const std::string& offset,
    const std::string& sizes,
    const std::string& strides,
    const std::string& rest = "") {
  return "ctorch._utils\n_rebuild_tensor_v2\n(" + storage_program + offset +
         sizes + strides + "\x89" + "ccollections\nOrderedDict\n)R" + rest +
         "tR";
}

const std::string kFloats = storage("torch\nFloatStorage", 12);

TEST(Pickle, ReadsPlainValues) {
  EXPECT_EQ(text_of("N"), "None");
  EXPECT_EQ(text_of("\x88"), "True");
  EXPECT_EQ(text_of("\x89"), "False");
  EXPECT_EQ(text_of("K\xff"), "255");
  EXPECT_EQ(text_of("M\xff\xff"), "65535");
  EXPECT_EQ(text_of("J\xfe\xff\xff\xff"), "-2");
  EXPECT_EQ(text_of("\x8a\0"s), "0");
  EXPECT_EQ(text_of("\x8a\x01\x80"), "-128");
  EXPECT_EQ(text_of("\x8a\x02\x80\0"s), "128");
  EXPECT_EQ(text_of("\x8a\x08\0\0\0\0\0\0\0\x80"s), "-9223372036854775808");
  EXPECT_EQ(text_of("\x8b\x01\0\0\0\x05"s), "5");
  EXPECT_EQ(text_of("G\x3f\xf8\0\0\0\0\0\0"s), "1.5");
  EXPECT_EQ(text_of(text_op("x\xc3\xa9")), "'x\xc3\xa9'");
  EXPECT_EQ(text_of("\x8c\x02hi"), "'hi'");
}

TEST(Pickle, ReadsContainers) {
  EXPECT_EQ(text_of(")"), "()");
  EXPECT_EQ(text_of("K\1K\2\x86"), "(1, 2, )");
  EXPECT_EQ(text_of("(K\1K\2K\3K\4t"), "(1, 2, 3, 4, )");
  EXPECT_EQ(text_of("](K\1K\2e"), "[1, 2, ]");
  EXPECT_EQ(text_of("]K\1a"), "[1, ]");
  EXPECT_EQ(text_of("}(K\1K\2K\3Nu"), "{1: 2, 3: None, }");
  EXPECT_EQ(text_of("}K\1K\2s"), "{1: 2, }");
  EXPECT_EQ(text_of("ctorch\nSize\nK\1K\2\x86\x85R"), "(1, 2, )");
}

TEST(Pickle, FillsAListThatWasRememberedBefore) {
  // l = [1]; (l, l)
  EXPECT_EQ(text_of("]q\0K\1ah\0\x86"s), "([1, ], [1, ], )");
}

TEST(Pickle, DropsTheAttributesOfAnOrderedDict) {
  EXPECT_EQ(text_of("ccollections\nOrderedDict\n)RK\1K\2s}b"), "{1: 2, }");
}

TEST(Pickle, ReadsTensorsAndParameters) {
  const std::string plain = tensor(kFloats, "K\2", "K\3K\2\x86", "K\4K\1\x86");
  EXPECT_EQ(text_of(plain), "tensor(float32, [3 2], [4 1], 2, cpu, -, data/0)");
  EXPECT_EQ(
      text_of(
          "ctorch._utils\n_rebuild_parameter\n" + plain +
          "\x88"
          "ccollections\nOrderedDict\n)R\x87R"),
      "tensor(float32, [3 2], [4 1], 2, cpu, grad, data/0)");
  // The storage is untyped; the element type is a separate argument.
  EXPECT_EQ(
      text_of(
          "ctorch._utils\n_rebuild_tensor_v3\n(" +
          storage("torch.storage\nUntypedStorage", 6, "0", "cuda:1") +
          "K\0K\3\x85K\1\x85\x89N"s + "ctorch\nuint16\ntR"),
      "tensor(uint16, [3], [1], 0, cuda, -, data/0)");
}

// --- pickles that are refused ---

struct Case {
  const char* name;
  const char* text;
  std::string body;
};

void PrintTo(const Case& c, std::ostream* out) {
  *out << c.name;
}

class RefusedPickle : public testing::TestWithParam<Case> {};

TEST_P(RefusedPickle, SaysWhy) {
  expect_input_error("t.pt: data.pkl", [] { read(GetParam().body); });
  expect_input_error(GetParam().text, [] { read(GetParam().body); });
}

const Case kRefused[] = {
    {"Global",
     "refers to 'os.system'; only tensors, numbers,",
     "cos\nsystem\n" + text_op("echo") + "\x85R"},
    {"GlobalOfTorch",
     "refers to 'torch.nn.modules.linear.Linear'",
     "ctorch.nn.modules.linear\nLinear\n)R"},
    {"StackGlobal",
     "refers to 'builtins.eval'",
     text_op("builtins") + text_op("eval") + "\x93"},
    {"DtypeAsValue", "holds torch.float32; only", "ctorch\nfloat32\n"},
    {"BareStorage", "holds a bare storage, data/0", kFloats},
    {"Bytes", "uses the pickle instruction 0x43", "C\1x"},
    {"NewObject", "uses the pickle instruction 0x81", ")\x81"},
    {"SecondProto", "uses the pickle instruction 0x80", "\x80\x02N"},
    {"BigInteger",
     "holds an integer of more than 64 bits",
     "\x8a\x09" + std::string(9, '\x01')},
    {"EmptyStack", "is damaged near byte", ""},
    {"PopsPastAMark", "is damaged near byte", "N(K\1\x86"},
    {"NoMark", "is damaged near byte", "Nt"},
    {"NotRemembered", "is damaged near byte", "h\7"},
    {"AppendsToATuple", "is damaged near byte", ")K\1a"},
    {"AppendsToNone", "is damaged near byte", "NK\1a"},
    {"OddItems", "is damaged near byte", "}(K\1u"},
    {"CallsANumber", "is damaged near byte", "K\1)R"},
    {"BuildsATuple", "is damaged near byte", ")}b"},
    {"NoLine", "is damaged near byte", "ctorch"},
    {"TextPastTheEnd",
     "is truncated: it ends within an instruction",
     "X\xff\xff\xff\x7fshort"},
    {"TextBomb",
     "is truncated: it ends within an instruction",
     "\x8d\xff\xff\xff\xff\xff\xff\xff\xffshort"},
    {"ContainsItself",
     "nested deeper than 100 levels, or contains itself",
     "]q\0h\0a"s},
    {"TooDeep",
     "nested deeper than 100 levels",
     std::string(200, ']') + std::string(199, 'a')},
    {"BillionLaughs",
     "its values need more than 256 MiB, the limit",
     [] {
       std::string out = "]";
       for (int i = 0; i < 40; ++i) {
         out += "q\1]h\1ah\1a";  // l = [l, l]
       }
       return out;
     }()},
    {"OrderedDictOfArguments",
     "it calls 'collections.OrderedDict' with 1 arguments",
     "ccollections\nOrderedDict\n]\x85R"},
    {"CallsAStorageType",
     "it calls 'torch.FloatStorage' with 0 arguments",
     "ctorch\nFloatStorage\n)R"},
    {"TensorOfNothing",
     "argument 1 of a torch object is missing",
     "ctorch._utils\n_rebuild_tensor_v2\n)R"},
    {"OtherPersistentId", "a persistent id does not name a storage", "K\1Q"},
    {"PersistentModule",
     "a persistent id does not name a storage",
     "(" + text_op("module") + "tQ"},
    {"QuantizedStorage",
     "refers to 'torch.QInt8Storage'",
     storage("torch\nQInt8Storage", 4)},
    {"StorageOfAnElementType",
     "'torch.float32' is not a storage type",
     storage("torch\nfloat32", 4)},
    {"StorageTooLong",
     "a storage of 13 float32 elements does not fit its record 'data/0' of 48",
     storage("torch\nFloatStorage", 13)},
    {"BadDevice",
     "'cuda:x' is not a device",
     storage("torch\nFloatStorage", 1, "0", "cuda:x")},
    {"LongKey",
     "a storage's key or device has 100 characters; at most 64 are valid",
     storage("torch\nFloatStorage", 1, std::string(100, '0'))},
    {"PastTheStorage",
     "a tensor of shape [13] does not fit its record 'data/0' of 48 bytes",
     tensor(kFloats, "K\0"s, "K\x0d\x85", "K\1\x85")},
    {"OffsetPastTheStorage",
     "a tensor of shape [3] does not fit its record",
     tensor(kFloats, "K\x0a", "K\3\x85", "K\1\x85")},
    {"NegativeSize",
     "a tensor of shape [-1] does not fit its record",
     tensor(kFloats, "K\0"s, "J\xff\xff\xff\xff\x85", "K\1\x85")},
    {"NegativeStride",
     "does not fit its record",
     tensor(kFloats, "K\2", "K\2\x85", "J\xff\xff\xff\xff\x85")},
    {"NegativeOffset",
     "does not fit its record",
     tensor(kFloats, "J\xff\xff\xff\xff", "K\2\x85", "K\1\x85")},
    {"StrideOverflows",
     "does not fit its record",
     tensor(
         kFloats,
         "K\0"s,
         "K\3\x85",
         "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x85")},
    {"RankMismatch",
     "does not fit its record",
     tensor(kFloats, "K\0"s, "K\2K\2\x86", "K\1\x85")},
    {"ManyDimensions",
     "a tensor has 65 dimensions; at most 64 are supported",
     [] {
       std::string list = "(";
       for (int i = 0; i < 65; ++i) {
         list += "K\1";
       }
       return tensor(kFloats, "K\0"s, list + "t", list + "t");
     }()},
    {"Conjugated",
     "a tensor is stored conjugated or negated",
     tensor(kFloats, "K\0"s, ")", ")", "}" + text_op("conj") + "\x88s")},
};

INSTANTIATE_TEST_SUITE_P(
    Every, RefusedPickle, testing::ValuesIn(kRefused), [](const auto& row) {
      return std::string(row.param.name);
    });

TEST(RefusedArchive, ForItsRecords) {
  expect_input_error("t.pt: record 'data/7' is missing", [] {
    read(storage("torch\nFloatStorage", 1, "7"));
  });
  expect_input_error(
      "of byte order 'big'; only 'little' is", [] { read("N", "big"); });
}

TEST(RefusedArchive, ForItsProtocol) {
  const TempFolder folder;
  const auto read_raw = [&](const std::string& program) {
    return [&folder, program] {
      read_pickle(ZipReader(folder.put(
          "t.pt", raw_zip({{.name = "t/data.pkl", .payload = program}}))));
    };
  };
  expect_input_error("not a pickle of protocol 2 to 5", read_raw("(I1\n."));
  expect_input_error("is truncated", read_raw(""));
  expect_input_error("a pickle of protocol 9;", read_raw("\x80\x09N."));
  expect_input_error("is truncated: it ends", read_raw("\x80\x02N"));
}

}  // namespace
}  // namespace pp::test
