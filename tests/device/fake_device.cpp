#include "tests/device/fake_device.h"

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>

#include <c10/core/Stream.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include "tests/device/fake_graph.h"
#include "tests/device/fake_guard.h"
#include "tests/device/orders.h"

namespace pp::test {

namespace {

class FakePlugin final : public DevicePlugin {
 public:
  c10::DeviceType type() const override { return kFakeType; }
  int num_devices() const override { return kNumFakeDevices; }
  std::string name_of(int) const override { return "fake"; }
  std::string identity_of(int index) const override {
    return std::to_string(index);
  }
  std::unique_ptr<DeviceLink> connect(
      const c10::intrusive_ptr<c10d::Store>&, c10::Device, bool) override {
    return nullptr;  // ranks are threads, which need no link
  }
  std::unique_ptr<GraphMemory> graph_memory(int index) override {
    return fake_graph_memory(index);
  }
  void begin_range(const char*) noexcept override { ++open_ranges_; }
  void end_range() noexcept override { --open_ranges_; }

 private:
  std::atomic<int> open_ranges_{0};
};

/// The messages in flight on a link. They are in order, as with NCCL, and the
/// receiver's waits for the sender's.
struct Wire {
  struct Item {
    at::Tensor memory;
    Clock sent;
    size_t num_together = 0;
  };
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Item> items;
  bool aborted = false;
};

class FakeLink final : public DeviceLink {
 public:
  explicit FakeLink(std::shared_ptr<Wire> wire) : wire_(std::move(wire)) {}

  void send(const std::vector<at::Tensor>& memory) override {
    const std::lock_guard lock(wire_->mutex);
    for (const at::Tensor& tensor : memory) {
      const StreamKey current = current_stream(tensor.device());
      orders().run(current, {{tensor.data_ptr(), false}}, "link.send");
      wire_->items.push_back(
          {tensor.clone(), orders().record(current), memory.size()});
    }
    wire_->changed.notify_one();
  }

  void recv(const std::vector<at::Tensor>& memory) override {
    std::unique_lock lock(wire_->mutex);
    wire_->changed.wait(
        lock, [&] { return wire_->aborted || !wire_->items.empty(); });
    for (const at::Tensor& tensor : memory) {
      if (wire_->aborted) {
        return;
      }
      const Wire::Item item = std::move(wire_->items.front());
      wire_->items.pop_front();
      if (item.memory.nbytes() != tensor.nbytes() ||
          item.num_together != memory.size()) {
        note_fault("a link's receive has another size than its send");
        return;
      }
      const StreamKey current = current_stream(tensor.device());
      orders().block(current, item.sent);
      orders().run(current, {{tensor.data_ptr(), true}}, "link.recv");
      std::memcpy(tensor.data_ptr(), item.memory.data_ptr(), tensor.nbytes());
    }
  }

  void abort() noexcept override {
    const std::lock_guard lock(wire_->mutex);
    wire_->aborted = true;
    wire_->changed.notify_all();
  }

 private:
  std::shared_ptr<Wire> wire_;
};

}  // namespace

std::shared_ptr<DevicePlugin> fake_plugin() {
  return std::make_shared<FakePlugin>();
}

c10::Device fake_device(int index) {
  return {kFakeType, static_cast<c10::DeviceIndex>(index)};
}

std::vector<std::string> take_faults() {
  std::vector<std::string> faults = orders().take_faults();
  for (std::string& other : take_noted_faults()) {
    faults.push_back(std::move(other));
  }
  return faults;
}

size_t num_operations() {
  return orders().num_operations();
}

std::pair<std::unique_ptr<DeviceLink>, std::unique_ptr<DeviceLink>>
fake_link() {
  const auto wire = std::make_shared<Wire>();
  return {std::make_unique<FakeLink>(wire), std::make_unique<FakeLink>(wire)};
}

}  // namespace pp::test
