#include "tests/device/fake_graph.h"

#include <atomic>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include <c10/util/Exception.h>

#include "tests/device/fake_device.h"
#include "tests/device/fake_guard.h"

namespace pp::test {

namespace {

std::atomic<size_t>& replays() {
  static std::atomic<size_t> count{0};
  return count;
}

class FakeGraph final : public DeviceGraph, public FakeCapture {
 public:
  void allocated(const void* begin) override { allocated_.insert(begin); }

  void before_write(const at::Tensor& tensor) override {
    void* begin = tensor.storage().mutable_data();
    if (begin == nullptr || allocated_.contains(begin) ||
        overwritten_.contains(begin)) {
      return;
    }
    const auto* bytes = static_cast<const std::byte*>(begin);
    overwritten_.emplace(
        begin,
        std::pair(
            tensor.storage(),
            std::vector(bytes, bytes + tensor.storage().nbytes())));
  }

  void add(
      std::function<void()> operation,
      const std::vector<at::Tensor>& results) override {
    operations_.push_back(std::move(operation));
    results_.insert(results_.end(), results.begin(), results.end());
  }

  void end() {
    for (const at::Tensor& result : results_) {
      void* begin = result.storage().mutable_data();
      if (allocated_.contains(begin)) {
        std::memset(begin, 0xff, result.storage().nbytes());
      }
    }
    results_.clear();
    for (const auto& [begin, kept] : overwritten_) {
      std::memcpy(begin, kept.second.data(), kept.second.size());
    }
    overwritten_.clear();
  }

  void replay() override {
    ++replays();
    for (const auto& operation : operations_) {
      operation();
    }
  }

 private:
  std::set<const void*> allocated_;
  std::map<void*, std::pair<c10::Storage, std::vector<std::byte>>> overwritten_;
  std::vector<std::function<void()>> operations_;
  std::vector<at::Tensor> results_;
};

struct Captures {
  std::mutex mutex;
  std::map<StreamKey, FakeGraph*> by_stream;
};

Captures& captures() {
  static Captures all;
  return all;
}

class FakeGraphMemory final : public GraphMemory {
 public:
  explicit FakeGraphMemory(int device) : device_(fake_device(device)) {}

  std::unique_ptr<DeviceGraph> capture(
      c10::function_ref<void()> work) override {
    auto graph = std::make_unique<FakeGraph>();
    const StreamKey stream = current_stream(device_);
    set_capture(stream, graph.get());
    try {
      work();
    } catch (...) {
      set_capture(stream, nullptr);
      graph->end();
      throw;
    }
    set_capture(stream, nullptr);
    graph->end();
    return graph;
  }

 private:
  static void set_capture(StreamKey stream, FakeGraph* graph) {
    const std::lock_guard lock(captures().mutex);
    captures().by_stream[stream] = graph;
  }

  c10::Device device_;
};

}  // namespace

size_t num_replays() {
  return replays();
}

FakeCapture* try_capture(StreamKey stream) {
  const std::lock_guard lock(captures().mutex);
  const auto found = captures().by_stream.find(stream);
  return found == captures().by_stream.end() ? nullptr : found->second;
}

void refuse_under_capture(StreamKey stream, const char* what) {
  TORCH_CHECK(
      try_capture(stream) == nullptr,
      what,
      ": operation not permitted when stream is capturing");
}

std::unique_ptr<GraphMemory> fake_graph_memory(int device) {
  return std::make_unique<FakeGraphMemory>(device);
}

}  // namespace pp::test
