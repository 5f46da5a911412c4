#include "loader/archive/pickle_machine.h"

#include <bit>
#include <cstdio>
#include <unordered_map>

#include "loader/archive/bytes.h"
#include "loader/archive/pickle_ops.h"
#include "loader/archive/pickle_torch.h"
#include "loader/core/error.h"

namespace pp::pickle {

namespace {

class Machine {
 public:
  Machine(
      std::string_view program,
      const ZipReader& archive,
      const std::string& label,
      Heap& heap)
      : program_(program), archive_(archive), label_(label), heap_(heap) {}

  Id run() {
    if (next<uint8_t>() != static_cast<uint8_t>(Op::Proto)) {
      fail("is not a pickle of protocol 2 to 5");
    }
    const int protocol = next<uint8_t>();
    if (protocol < 2 || protocol > 5) {
      fail(
          "is a pickle of protocol " + std::to_string(protocol) +
          "; 2 to 5 are supported");
    }
    for (Op op = next_op(); op != Op::Stop; op = next_op()) {
      step(op);
    }
    return pop();
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw input_error(label_ + ": " + what);
  }
  [[noreturn]] void damaged() const {
    fail("is damaged near byte " + std::to_string(position_));
  }

  // --- the program ---

  std::string_view take(uint64_t length) {
    if (!fits(position_, length, program_.size())) {
      fail("is truncated: it ends within an instruction");
    }
    const std::string_view out = program_.substr(position_, length);
    position_ += length;
    return out;
  }
  template <std::unsigned_integral T>
  T next() {
    return load_le<T>(as_bytes(take(sizeof(T))), 0);
  }
  Op next_op() { return static_cast<Op>(next<uint8_t>()); }

  std::string_view line() {
    const size_t end = program_.find('\n', position_);
    if (end == std::string_view::npos) {
      damaged();
    }
    const std::string_view out = take(end - position_);
    take(1);
    return out;
  }

  // --- stack, marks and memo ---

  void push(Object object) {
    heap_.push_back(std::move(object));
    stack_.push_back(heap_.size() - 1);
  }
  Id pop() {
    // What lies under a mark is out of reach until the mark is gone.
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) {
      damaged();
    }
    const Id id = stack_.back();
    stack_.pop_back();
    return id;
  }
  std::vector<Id> pop_to_mark() {
    if (marks_.empty()) {
      damaged();
    }
    const auto begin = stack_.begin() + static_cast<ptrdiff_t>(marks_.back());
    std::vector<Id> items(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    marks_.pop_back();
    return items;
  }
  template <class T>
  T& top_as() {
    const Id id = pop();
    stack_.push_back(id);
    T* object = std::get_if<T>(&heap_[id]);
    if (object == nullptr) {
      damaged();
    }
    return *object;
  }
  void put(uint64_t slot) {
    const Id id = pop();
    stack_.push_back(id);
    memo_[slot] = id;
  }
  void get(uint64_t slot) {
    const auto found = memo_.find(slot);
    if (found == memo_.end()) {
      damaged();
    }
    stack_.push_back(found->second);
  }

  // --- what several instructions do ---

  void push_text(uint64_t length) { push(std::string(take(length))); }

  /// A whole number of `length` bytes, two's complement.
  void push_long(uint64_t length) {
    const std::string_view raw = take(length);
    if (length > 8) {
      fail("holds a whole number of more than 64 bits");
    }
    uint64_t value = 0;
    for (size_t i = 0; i < raw.size(); ++i) {
      value |= static_cast<uint64_t>(static_cast<uint8_t>(raw[i])) << (8 * i);
    }
    const size_t unused = 64 - 8 * raw.size();
    const auto shifted =
        static_cast<int64_t>(unused < 64 ? value << unused : 0);
    push(unused < 64 ? shifted >> unused : int64_t{0});
  }

  void push_float() {
    const auto big_endian = next<uint64_t>();
    push(std::bit_cast<double>(__builtin_bswap64(big_endian)));
  }

  void push_tuple(size_t length) {
    std::vector<Id> items(length);
    for (size_t i = length; i > 0; --i) {
      items[i - 1] = pop();
    }
    push(Sequence{.tuple = true, .items = std::move(items)});
  }

  void append(const std::vector<Id>& items) {
    auto& list = top_as<Sequence>();
    if (list.tuple) {
      damaged();
    }
    list.items.insert(list.items.end(), items.begin(), items.end());
  }

  void set_items(const std::vector<Id>& items) {
    auto& dict = top_as<Dict>();
    if (items.size() % 2 != 0) {
      damaged();
    }
    for (size_t i = 0; i < items.size(); i += 2) {
      dict.items.emplace_back(items[i], items[i + 1]);
    }
  }

  void push_global(const std::string& module, const std::string& name) {
    const std::string global = module + "." + name;
    if (!is_allowed(global)) {
      fail(
          "asks for '" + global +
          "'; only tensors, numbers, strings, lists, tuples and dicts are " +
          "read");
    }
    push(Global{global});
  }

  void stack_global() {
    const Id name = pop();
    const Id module = pop();
    const auto* name_text = std::get_if<std::string>(&heap_[name]);
    const auto* module_text = std::get_if<std::string>(&heap_[module]);
    if (name_text == nullptr || module_text == nullptr) {
      damaged();
    }
    push_global(*module_text, *name_text);
  }

  void reduce() {
    const Id arguments = pop();
    const Id function = pop();
    const auto* list = std::get_if<Sequence>(&heap_[arguments]);
    const auto* global = std::get_if<Global>(&heap_[function]);
    if (list == nullptr || !list->tuple || global == nullptr) {
      damaged();
    }
    push(call(heap_, global->name, *list, label_));
  }

  /// An OrderedDict's attributes (a state_dict's `_metadata`) are dropped.
  void build() {
    pop();
    top_as<Dict>();
  }

  void step(Op op);

  std::string_view program_;
  const ZipReader& archive_;
  const std::string& label_;
  Heap& heap_;
  size_t position_ = 0;
  std::vector<Id> stack_;
  std::vector<size_t> marks_;  ///< heights of the stack
  std::unordered_map<uint64_t, Id> memo_;
};

void Machine::step(Op op) {
  switch (op) {
    case Op::Frame:
      take(8);
      return;
    case Op::Mark:
      return marks_.push_back(stack_.size());
    case Op::Pop:
      pop();
      return;
    case Op::PopMark:
      pop_to_mark();
      return;
    case Op::None:
      return push(std::monostate());
    case Op::NewTrue:
      return push(true);
    case Op::NewFalse:
      return push(false);
    case Op::Binint:
      return push(int64_t{static_cast<int32_t>(next<uint32_t>())});
    case Op::Binint1:
      return push(int64_t{next<uint8_t>()});
    case Op::Binint2:
      return push(int64_t{next<uint16_t>()});
    case Op::Long1:
      return push_long(next<uint8_t>());
    case Op::Long4:
      return push_long(next<uint32_t>());
    case Op::Binfloat:
      return push_float();
    case Op::ShortBinunicode:
      return push_text(next<uint8_t>());
    case Op::Binunicode:
      return push_text(next<uint32_t>());
    case Op::Binunicode8:
      return push_text(next<uint64_t>());
    case Op::EmptyTuple:
      return push_tuple(0);
    case Op::Tuple1:
      return push_tuple(1);
    case Op::Tuple2:
      return push_tuple(2);
    case Op::Tuple3:
      return push_tuple(3);
    case Op::Tuple:
      return push(Sequence{.tuple = true, .items = pop_to_mark()});
    case Op::EmptyList:
      return push(Sequence{});
    case Op::List:
      return push(Sequence{.tuple = false, .items = pop_to_mark()});
    case Op::Append:
      return append({pop()});
    case Op::Appends:
      return append(pop_to_mark());
    case Op::EmptyDict:
      return push(Dict{});
    case Op::Dict: {
      const std::vector<Id> items = pop_to_mark();
      push(Dict{});
      return set_items(items);
    }
    case Op::Setitem: {
      const Id value = pop();
      const Id key = pop();
      return set_items({key, value});
    }
    case Op::Setitems:
      return set_items(pop_to_mark());
    case Op::Binput:
      return put(next<uint8_t>());
    case Op::LongBinput:
      return put(next<uint32_t>());
    case Op::Memoize:
      return put(memo_.size());
    case Op::Binget:
      return get(next<uint8_t>());
    case Op::LongBinget:
      return get(next<uint32_t>());
    case Op::Global: {
      const std::string module(line());
      return push_global(module, std::string(line()));
    }
    case Op::StackGlobal:
      return stack_global();
    case Op::Reduce:
      return reduce();
    case Op::Build:
      return build();
    case Op::Binpersid:
      return push(load_storage(heap_, heap_[pop()], archive_, label_));
    case Op::Proto:
    case Op::Stop:
      break;
  }
  char code[8];
  std::snprintf(code, sizeof code, "0x%02x", static_cast<unsigned>(op));
  fail(
      "uses the pickle instruction " + std::string(code) +
      "; only tensors, numbers, strings, lists, tuples and dicts are read");
}

}  // namespace

Id run(
    std::string_view program,
    const ZipReader& archive,
    const std::string& label,
    Heap& heap) {
  return Machine(program, archive, label, heap).run();
}

}  // namespace pp::pickle
