#pragma once

#include <cstdint>

namespace pp::pickle {

/// The opcodes of Python's pickle protocols 2 to 5 that `torch.save` uses.
enum class Op : uint8_t {
  Mark = '(',
  Stop = '.',
  Pop = '0',
  PopMark = '1',
  Binint = 'J',
  Binint1 = 'K',
  Binint2 = 'M',
  None = 'N',
  Binpersid = 'Q',
  Reduce = 'R',
  Binunicode = 'X',
  Append = 'a',
  Build = 'b',
  Global = 'c',
  Dict = 'd',
  EmptyDict = '}',
  Appends = 'e',
  Binget = 'h',
  LongBinget = 'j',
  List = 'l',
  EmptyList = ']',
  Binput = 'q',
  LongBinput = 'r',
  Setitem = 's',
  Tuple = 't',
  EmptyTuple = ')',
  Setitems = 'u',
  Binfloat = 'G',
  Proto = 0x80,
  Tuple1 = 0x85,
  Tuple2 = 0x86,
  Tuple3 = 0x87,
  NewTrue = 0x88,
  NewFalse = 0x89,
  Long1 = 0x8a,
  Long4 = 0x8b,
  ShortBinunicode = 0x8c,
  Binunicode8 = 0x8d,
  StackGlobal = 0x93,
  Memoize = 0x94,
  Frame = 0x95,
};

}  // namespace pp::pickle
