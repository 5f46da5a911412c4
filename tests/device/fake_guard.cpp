#include "tests/device/fake_guard.h"

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <utility>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/DeviceType.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include "tests/device/fake_device.h"
#include "tests/device/fake_graph.h"

namespace pp::test {

namespace {

struct ThreadState {
  int device = 0;
  std::array<c10::StreamId, kNumFakeDevices> streams{};
};

ThreadState& thread_state() {
  thread_local ThreadState state;
  return state;
}

struct FaultList {
  std::mutex mutex;
  std::vector<std::string> faults;
};

FaultList& fault_list() {
  static FaultList list;
  return list;
}

StreamKey key_of(c10::Stream stream) {
  return stream.device_index() * kStreamsPerDevice + stream.id();
}

using SteadyClock = std::chrono::steady_clock;

struct FakeEvent {
  Clock clock;
  SteadyClock::time_point time;
  /// Number of queries that say "not yet": the first is too early, as it would
  /// be on a real device.
  int num_early_queries = 1;
};

FakeEvent& event_at(void* event) {
  return *static_cast<FakeEvent*>(event);
}

std::atomic<c10::StreamId>& next_stream() {
  static std::atomic<c10::StreamId> next{1};
  return next;
}

struct FakeGuard final : c10::impl::DeviceGuardImplInterface {
  static constexpr c10::DeviceType static_type = kFakeType;

  c10::DeviceType type() const override { return kFakeType; }
  c10::Device exchangeDevice(c10::Device device) const override {
    const c10::Device old = getDevice();
    uncheckedSetDevice(device);
    return old;
  }
  c10::Device getDevice() const override {
    return {kFakeType, static_cast<c10::DeviceIndex>(thread_state().device)};
  }
  void setDevice(c10::Device device) const override {
    uncheckedSetDevice(device);
  }
  void uncheckedSetDevice(c10::Device device) const noexcept override {
    if (device.has_index()) {
      thread_state().device = device.index();
    }
  }
  c10::Stream stream_of(c10::DeviceIndex device, c10::StreamId id) const {
    return c10::Stream(c10::Stream::UNSAFE, c10::Device(kFakeType, device), id);
  }
  c10::DeviceIndex index_of(c10::Device device) const {
    return device.has_index() ? device.index()
                              : static_cast<c10::DeviceIndex>(current_device());
  }
  c10::Stream getStream(c10::Device device) const override {
    const c10::DeviceIndex index = index_of(device);
    return stream_of(index, thread_state().streams.at(index));
  }
  c10::Stream getDefaultStream(c10::Device device) const override {
    return stream_of(index_of(device), 0);
  }
  c10::Stream getStreamFromGlobalPool(
      c10::Device device, bool /*high*/) const override {
    return stream_of(index_of(device), next_stream()++);
  }
  c10::Stream getNewStream(
      c10::Device device, int /*priority*/) const override {
    return getStreamFromGlobalPool(device, false);
  }
  c10::Stream exchangeStream(c10::Stream stream) const override {
    auto& current = thread_state().streams.at(stream.device_index());
    return stream_of(
        stream.device_index(), std::exchange(current, stream.id()));
  }
  c10::DeviceIndex deviceCount() const noexcept override {
    return kNumFakeDevices;
  }

  void destroyEvent(void* event, c10::DeviceIndex) const noexcept override {
    delete static_cast<FakeEvent*>(event);
  }
  void record(
      void** event,
      const c10::Stream& stream,
      c10::DeviceIndex,
      c10::EventFlag) const override {
    if (*event == nullptr) {
      *event = new FakeEvent;
    }
    event_at(*event) = {orders().record(key_of(stream)), SteadyClock::now(), 1};
  }
  void block(void* event, const c10::Stream& stream) const override {
    if (event != nullptr) {
      orders().block(key_of(stream), event_at(event).clock);
    }
  }
  bool queryEvent(void* event) const override {
    if (event == nullptr) {
      return true;
    }
    if (!Orders::does_host_know(event_at(event).clock) &&
        event_at(event).num_early_queries-- > 0) {
      return false;
    }
    Orders::host_knows(event_at(event).clock);
    return true;
  }
  void synchronizeEvent(void* event) const override {
    if (event != nullptr) {
      Orders::host_knows(event_at(event).clock);
    }
  }
  double elapsedTime(void* from, void* to, c10::DeviceIndex) const override {
    return std::chrono::duration<double, std::milli>(
               event_at(to).time - event_at(from).time)
        .count();
  }
  bool queryStream(const c10::Stream&) const override { return false; }
  void synchronizeStream(const c10::Stream& stream) const override {
    refuse_under_capture(key_of(stream), "synchronize");
    orders().host_waits_for(key_of(stream));
  }
};

C10_REGISTER_GUARD_IMPL(PrivateUse1, FakeGuard)

struct Allocation {
  void* begin;
  size_t num_bytes;
  c10::Device device;
  c10::DataPtr holder;
};

void report_to_profiler(const Allocation& memory, int64_t num_bytes) {
  if (c10::memoryProfilingEnabled()) {
    c10::reportMemoryUsageToProfiler(
        memory.begin, num_bytes, 0, 0, memory.device);
  }
}

void free_memory(void* context) {
  const std::unique_ptr<Allocation> memory(static_cast<Allocation*>(context));
  report_to_profiler(*memory, -static_cast<int64_t>(memory->num_bytes));
  orders().freed(memory->begin);
}

class FakeAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t num_bytes) override {
    const c10::Device device = fake_device(current_device());
    c10::DataPtr memory = c10::GetCPUAllocator()->allocate(num_bytes);
    void* begin = memory.get();
    return adopt(begin, num_bytes, std::move(memory), device);
  }
  c10::DeleterFnPtr raw_deleter() const override { return &free_memory; }
  void copy_data(void* to, const void* from, size_t count) const override {
    default_copy_data(to, from, count);
  }
};

FakeAllocator& allocator() {
  static FakeAllocator instance;
  return instance;
}

struct FakeHooks final : at::PrivateUse1HooksInterface {
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
  c10::DeviceIndex deviceCount() const override { return kNumFakeDevices; }
  c10::DeviceIndex getCurrentDevice() const override {
    return static_cast<c10::DeviceIndex>(current_device());
  }
  bool isPinnedPtr(const void*) const override { return true; }
  at::Allocator* getPinnedMemoryAllocator() const override {
    return c10::GetCPUAllocator();
  }
  at::Generator getNewGenerator(c10::DeviceIndex) const override {
    return at::make_generator<at::CPUGeneratorImpl>();
  }
};

bool register_all() {
  c10::register_privateuse1_backend("fake");
  c10::SetAllocator(kFakeType, &allocator());
  static FakeHooks hooks;
  at::RegisterPrivateUse1HooksInterface(&hooks);
  return true;
}

[[maybe_unused]] const bool registered = register_all();

}  // namespace

Orders& orders() {
  // Never destroyed, because memory may be freed at the end of the process.
  static Orders* const instance = new Orders;
  return *instance;
}

StreamKey current_stream(c10::Device device) {
  return device.index() * kStreamsPerDevice +
         thread_state().streams.at(device.index());
}

int current_device() {
  return thread_state().device;
}

void note_fault(const std::string& text) {
  const std::lock_guard lock(fault_list().mutex);
  fault_list().faults.push_back(text);
}

std::vector<std::string> take_noted_faults() {
  const std::lock_guard lock(fault_list().mutex);
  return std::exchange(fault_list().faults, {});
}

c10::DataPtr adopt(
    void* begin, size_t num_bytes, c10::DataPtr holder, c10::Device device) {
  if (begin == nullptr) {
    return {nullptr, device};
  }
  orders().allocated(begin, num_bytes, current_stream(device));
  if (FakeCapture* capture = try_capture(current_stream(device))) {
    capture->allocated(begin);
  }
  auto memory = std::make_unique<Allocation>(
      Allocation{begin, num_bytes, device, std::move(holder)});
  report_to_profiler(*memory, static_cast<int64_t>(num_bytes));
  return {begin, memory.release(), &free_memory, device};
}

c10::Allocator* fake_allocator() {
  return &allocator();
}

}  // namespace pp::test
