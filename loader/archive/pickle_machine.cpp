#include "loader/archive/pickle_machine.h"

#include <bit>
#include <cstdio>
#include <unordered_map>

#include "loader/archive/pickle_ops.h"
#include "loader/archive/pickle_program.h"
#include "loader/archive/pickle_torch.h"

namespace pp::pickle {

namespace {

class Machine {
 public:
  Machine(
      std::string_view program,
      const ZipReader& archive,
      const std::string& label,
      Heap& heap)
      : program_(program, label),
        archive_(archive),
        label_(label),
        heap_(heap) {}

  Id run() {
    if (program_.next<uint8_t>() != static_cast<uint8_t>(Op::Proto)) {
      program_.fail("is not a pickle of protocol 2 to 5");
    }
    const int protocol = program_.next<uint8_t>();
    if (protocol < 2 || protocol > 5) {
      program_.fail(
          "is a pickle of protocol " + std::to_string(protocol) +
          "; 2 to 5 are supported");
    }
    for (Op op = program_.next_op(); op != Op::Stop; op = program_.next_op()) {
      step(op);
    }
    return pop();
  }

 private:
  // --- stack, marks and memo ---

  void push(Object object) {
    heap_.push_back(std::move(object));
    stack_.push_back(heap_.size() - 1);
  }
  Id pop() {
    // Objects below a mark can't be popped while the mark is there.
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) {
      program_.fail_damaged();
    }
    const Id id = stack_.back();
    stack_.pop_back();
    return id;
  }
  std::vector<Id> pop_to_mark() {
    if (marks_.empty()) {
      program_.fail_damaged();
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
      program_.fail_damaged();
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
      program_.fail_damaged();
    }
    stack_.push_back(found->second);
  }

  // --- parts of instructions ---

  void push_text(uint64_t length) {
    push(std::string(program_.next_bytes(length)));
  }

  /// An integer of `length` bytes in two's complement.
  void push_long(uint64_t length) {
    const std::string_view raw = program_.next_bytes(length);
    if (length > 8) {
      program_.fail("holds an integer of more than 64 bits");
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
    const auto big_endian = program_.next<uint64_t>();
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
      program_.fail_damaged();
    }
    list.items.insert(list.items.end(), items.begin(), items.end());
  }

  void set_items(const std::vector<Id>& items) {
    auto& dict = top_as<Dict>();
    if (items.size() % 2 != 0) {
      program_.fail_damaged();
    }
    for (size_t i = 0; i < items.size(); i += 2) {
      dict.items.emplace_back(items[i], items[i + 1]);
    }
  }

  void set_item() {
    const Id value = pop();
    const Id key = pop();
    set_items({key, value});
  }

  void push_dict(const std::vector<Id>& items) {
    push(Dict{});
    set_items(items);
  }

  void push_global(const std::string& module, const std::string& name) {
    const std::string global = module + "." + name;
    if (!is_allowed(global)) {
      program_.fail(
          "refers to '" + global +
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
      program_.fail_damaged();
    }
    push_global(*module_text, *name_text);
  }

  void reduce() {
    const Id arguments = pop();
    const Id function = pop();
    const auto* list = std::get_if<Sequence>(&heap_[arguments]);
    const auto* global = std::get_if<Global>(&heap_[function]);
    if (list == nullptr || !list->tuple || global == nullptr) {
      program_.fail_damaged();
    }
    push(call(heap_, global->name, *list, label_));
  }

  /// Drops an OrderedDict's attributes (a state_dict's `_metadata`).
  void build() {
    pop();
    top_as<Dict>();
  }

  void step(Op op);
  // Each runs `op` if it is an instruction of its kind, else returns false.
  bool step_stack(Op op);
  bool step_value(Op op);
  bool step_collection(Op op);
  bool step_object(Op op);

  Program program_;
  const ZipReader& archive_;
  const std::string& label_;
  Heap& heap_;
  std::vector<Id> stack_;
  std::vector<size_t> marks_;  ///< heights of the stack at marks
  std::unordered_map<uint64_t, Id> memo_;
};

void Machine::step(Op op) {
  if (step_stack(op) || step_value(op) || step_collection(op) ||
      step_object(op)) {
    return;
  }
  char code[8];
  std::snprintf(code, sizeof code, "0x%02x", static_cast<unsigned>(op));
  program_.fail(
      "uses the pickle instruction " + std::string(code) +
      "; only tensors, numbers, strings, lists, tuples and dicts are read");
}

bool Machine::step_stack(Op op) {
  switch (op) {
    case Op::Frame:
      program_.next_bytes(8);
      break;
    case Op::Mark:
      marks_.push_back(stack_.size());
      break;
    case Op::Pop:
      pop();
      break;
    case Op::PopMark:
      pop_to_mark();
      break;
    case Op::Binput:
      put(program_.next<uint8_t>());
      break;
    case Op::LongBinput:
      put(program_.next<uint32_t>());
      break;
    case Op::Memoize:
      put(memo_.size());
      break;
    case Op::Binget:
      get(program_.next<uint8_t>());
      break;
    case Op::LongBinget:
      get(program_.next<uint32_t>());
      break;
    default:
      return false;
  }
  return true;
}

bool Machine::step_value(Op op) {
  switch (op) {
    case Op::None:
      push(std::monostate());
      break;
    case Op::NewTrue:
      push(true);
      break;
    case Op::NewFalse:
      push(false);
      break;
    case Op::Binint:
      push(int64_t{static_cast<int32_t>(program_.next<uint32_t>())});
      break;
    case Op::Binint1:
      push(int64_t{program_.next<uint8_t>()});
      break;
    case Op::Binint2:
      push(int64_t{program_.next<uint16_t>()});
      break;
    case Op::Long1:
      push_long(program_.next<uint8_t>());
      break;
    case Op::Long4:
      push_long(program_.next<uint32_t>());
      break;
    case Op::Binfloat:
      push_float();
      break;
    case Op::ShortBinunicode:
      push_text(program_.next<uint8_t>());
      break;
    case Op::Binunicode:
      push_text(program_.next<uint32_t>());
      break;
    case Op::Binunicode8:
      push_text(program_.next<uint64_t>());
      break;
    default:
      return false;
  }
  return true;
}

bool Machine::step_collection(Op op) {
  switch (op) {
    case Op::EmptyTuple:
      push_tuple(0);
      break;
    case Op::Tuple1:
      push_tuple(1);
      break;
    case Op::Tuple2:
      push_tuple(2);
      break;
    case Op::Tuple3:
      push_tuple(3);
      break;
    case Op::Tuple:
      push(Sequence{.tuple = true, .items = pop_to_mark()});
      break;
    case Op::EmptyList:
      push(Sequence{});
      break;
    case Op::List:
      push(Sequence{.tuple = false, .items = pop_to_mark()});
      break;
    case Op::Append:
      append({pop()});
      break;
    case Op::Appends:
      append(pop_to_mark());
      break;
    case Op::EmptyDict:
      push(Dict{});
      break;
    case Op::Dict:
      push_dict(pop_to_mark());
      break;
    case Op::Setitem:
      set_item();
      break;
    case Op::Setitems:
      set_items(pop_to_mark());
      break;
    default:
      return false;
  }
  return true;
}

bool Machine::step_object(Op op) {
  switch (op) {
    case Op::Global: {
      const std::string module(program_.next_line());
      push_global(module, std::string(program_.next_line()));
      break;
    }
    case Op::StackGlobal:
      stack_global();
      break;
    case Op::Reduce:
      reduce();
      break;
    case Op::Build:
      build();
      break;
    case Op::Binpersid:
      push(load_storage(heap_, heap_[pop()], archive_, label_));
      break;
    default:
      return false;
  }
  return true;
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
