#include "loader/archive/pickle_tensors.h"

#include "loader/archive/pickle_machine.h"
#include "loader/core/error.h"
#include "loader/core/text.h"

namespace pp {

namespace {

/// Limits the depth of nesting: deeper than any real input, far from exhausting
/// the C++ stack.
constexpr int kMaxDepth = 100;
/// Limits the memory of the result, because a pickle may refer to one object
/// many times.
constexpr uint64_t kMaxBytes = 256U << 20U;

class Unfolder {
 public:
  Unfolder(const pickle::Heap& heap, const std::string& label)
      : heap_(heap), label_(label) {}

  PickleValue unfold(pickle::Id id, int depth = 0) {
    if (depth > kMaxDepth) {
      throw input_error(
          label_ + ": is nested deeper than " + std::to_string(kMaxDepth) +
          " levels, or contains itself");
    }
    spend(sizeof(PickleValue));
    return std::visit(
        [&](const auto& object) { return unfold_as(object, depth); },
        heap_[id]);
  }

 private:
  void spend(uint64_t num_bytes) {
    spent_ += num_bytes;
    if (spent_ > kMaxBytes) {
      throw input_error(
          label_ + ": its values need more than " + human_bytes(kMaxBytes) +
          ", the limit");
    }
  }

  template <class T>
  PickleValue unfold_as(const T& plain, int) {
    return {plain};
  }
  PickleValue unfold_as(const std::string& text, int) {
    spend(text.size());
    return {text};
  }
  PickleValue unfold_as(const PickledTensor& tensor, int) {
    spend(2 * tensor.tensor.sizes.size() * sizeof(ir::Dim));
    return {tensor};
  }
  PickleValue unfold_as(const pickle::Sequence& sequence, int depth) {
    PickleValue::Sequence out{.tuple = sequence.tuple, .items = {}};
    for (const pickle::Id item : sequence.items) {
      out.items.push_back(unfold(item, depth + 1));
    }
    return {std::move(out)};
  }
  PickleValue unfold_as(const pickle::Dict& dict, int depth) {
    PickleValue::Mapping out;
    for (const auto& [key, value] : dict.items) {
      PickleValue key_value = unfold(key, depth + 1);
      out.items.push_back({std::move(key_value), unfold(value, depth + 1)});
    }
    return {std::move(out)};
  }
  PickleValue unfold_as(const pickle::Global& global, int) {
    throw refused(global.name);
  }
  PickleValue unfold_as(const pickle::Storage& storage, int) {
    throw refused("a bare storage, " + storage.record);
  }
  Error refused(const std::string& what) const {
    return input_error(
        label_ + ": holds " + what + "; only tensors, numbers, strings, " +
        "lists, tuples and dicts are read");
  }

  const pickle::Heap& heap_;
  const std::string& label_;
  uint64_t spent_ = 0;
};

}  // namespace

PickleValue read_pickle(const ZipReader& archive) {
  if (archive.has("byteorder") && archive.text("byteorder") != "little") {
    throw input_error(
        archive.label() + ": holds tensors of byte order '" +
        std::string(archive.text("byteorder")) +
        "'; only 'little' is supported");
  }
  const std::string label = archive.label() + ": data.pkl";
  pickle::Heap heap;
  const pickle::Id root =
      pickle::run(archive.text("data.pkl"), archive, label, heap);
  return Unfolder(heap, label).unfold(root);
}

}  // namespace pp
