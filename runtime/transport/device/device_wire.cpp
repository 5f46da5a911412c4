#include "runtime/transport/device/device_wire.h"

#include <c10/core/ScalarType.h>

#include "runtime/transport/byte_io.h"

namespace pp::device_wire {

namespace {

constexpr int64_t kMaxLinkedDims = 64;

/// Reads words, never past the end.
class Words {
 public:
  explicit Words(std::span<const int64_t> words) : left_(words) {}

  int64_t next() {
    if (left_.empty()) {
      throw wire::bad("it ends within the description of its device tensors");
    }
    const int64_t word = left_.front();
    left_ = left_.subspan(1);
    return word;
  }
  int64_t next_below(int64_t end) {
    const int64_t word = next();
    if (word < 0 || word >= end) {
      throw wire::bad(
          "it describes a device tensor with the number " +
          std::to_string(word) + ", which is out of range");
    }
    return word;
  }
  bool empty() const { return left_.empty(); }

 private:
  std::span<const int64_t> left_;
};

}  // namespace

void append(std::vector<int64_t>& ints, std::span<const Sent> sent) {
  const size_t before = ints.size();
  for (const Sent& one : sent) {
    ints.push_back(static_cast<int64_t>(one.place));
    if (one.place == Place::Linked) {
      ints.push_back(one.dtype);
      ints.push_back(static_cast<int64_t>(one.sizes.size()));
      ints.insert(ints.end(), one.sizes.begin(), one.sizes.end());
      ints.insert(ints.end(), one.strides.begin(), one.strides.end());
    }
  }
  ints.push_back(static_cast<int64_t>(ints.size() - before));
}

std::vector<Sent> take_off(std::vector<int64_t>& ints, size_t num_tensors) {
  const int64_t count = ints.empty() ? -1 : ints.back();
  if (count < 0 || count >= static_cast<int64_t>(ints.size())) {
    throw wire::bad("it doesn't describe its device tensors");
  }
  const size_t first = ints.size() - 1 - static_cast<size_t>(count);
  const std::span<const int64_t> all_ints = ints;
  Words words(all_ints.subspan(first, static_cast<size_t>(count)));
  std::vector<Sent> all(num_tensors);
  for (Sent& one : all) {
    one.place = static_cast<Place>(words.next_below(3));
    if (one.place != Place::Linked) {
      continue;
    }
    one.dtype =
        words.next_below(static_cast<int64_t>(at::ScalarType::NumOptions));
    const int64_t dims = words.next_below(kMaxLinkedDims + 1);
    for (std::vector<int64_t>* list : {&one.sizes, &one.strides}) {
      for (int64_t i = 0; i < dims; ++i) {
        list->push_back(words.next_below(int64_t{1} << 46));
      }
    }
  }
  if (!words.empty()) {
    throw wire::bad("its description of device tensors has numbers left over");
  }
  ints.resize(first);
  return all;
}

}  // namespace pp::device_wire
