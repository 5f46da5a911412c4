#include "tests/device/orders.h"

#include <algorithm>
#include <utility>

namespace pp::test {

namespace {

void merge(Clock& into, const Clock& from) {
  for (const auto& [stream, count] : from) {
    uint64_t& known_count = into[stream];
    known_count = std::max(known_count, count);
  }
}

bool knows(const Clock& clock, StreamKey stream, uint64_t count) {
  const auto found = clock.find(stream);
  return count == 0 || (found != clock.end() && found->second >= count);
}

/// Returns what this thread has waited for.
Clock& host_clock() {
  thread_local Clock clock;
  return clock;
}

std::string name(StreamKey stream) {
  return "stream " + std::to_string(stream / kStreamsPerDevice) + "." +
         std::to_string(stream % kStreamsPerDevice);
}

}  // namespace

Orders::Memory* Orders::try_find(const void* address) {
  const auto* at = static_cast<const std::byte*>(address);
  auto after = memories_.upper_bound(at);
  if (after == memories_.begin()) {
    return nullptr;
  }
  auto& [begin, memory] = *std::prev(after);
  return at < begin + memory.num_bytes ? &memory : nullptr;
}

/// Returns the stream's clock. Whatever the host knows to have completed
/// happens before everything that it enqueues from now on.
Clock& Orders::now(StreamKey stream) {
  Clock& clock = streams_[stream];
  merge(clock, host_clock());
  return clock;
}

void Orders::run(
    StreamKey stream, const std::vector<Use>& uses, const std::string& what) {
  const std::lock_guard lock(mutex_);
  ++num_operations_;
  Clock& clock = now(stream);
  const uint64_t count = ++clock[stream];
  for (const auto& [address, writes] : uses) {
    Memory* memory = try_find(address);
    if (memory == nullptr) {
      continue;
    }
    if (!knows(clock, memory->writer, memory->written)) {
      faults_.push_back(
          what + " on " + name(stream) + " does not wait for " +
          name(memory->writer) + ", which writes what it " +
          (writes ? "writes (" : "reads (") + memory->last + ")");
    }
    if (writes) {
      for (const auto& [user, used] : memory->used) {
        if (!knows(clock, user, used)) {
          faults_.push_back(
              what + " on " + name(stream) + " writes what " + name(user) +
              " may still use (" + memory->last + ")");
        }
      }
      memory->writer = stream;
      memory->written = count;
    }
    memory->used[stream] = count;
    memory->last = what;
  }
}

void Orders::allocated(const void* begin, size_t num_bytes, StreamKey stream) {
  const std::lock_guard lock(mutex_);
  Memory memory;
  memory.num_bytes = num_bytes;
  memory.home = stream;
  memories_[static_cast<const std::byte*>(begin)] = std::move(memory);
}

void Orders::freed(const void* begin) {
  const std::lock_guard lock(mutex_);
  const auto found = memories_.find(static_cast<const std::byte*>(begin));
  if (found == memories_.end()) {
    return;
  }
  const Memory& memory = found->second;
  const Clock& home = now(memory.home);
  for (const auto& [user, used] : memory.used) {
    if (user != memory.home && !knows(home, user, used)) {
      faults_.push_back(
          "memory of " + name(memory.home) + " is freed while " + name(user) +
          " may still use it (" + memory.last + ")");
    }
  }
  memories_.erase(found);
}

Clock Orders::record(StreamKey stream) {
  const std::lock_guard lock(mutex_);
  return now(stream);
}

void Orders::block(StreamKey stream, const Clock& event) {
  const std::lock_guard lock(mutex_);
  merge(streams_[stream], event);
}

void Orders::host_knows(const Clock& event) {
  merge(host_clock(), event);
}

bool Orders::does_host_know(const Clock& event) {
  return std::ranges::all_of(event, [](const auto& entry) {
    return knows(host_clock(), entry.first, entry.second);
  });
}

void Orders::host_waits_for(StreamKey stream) {
  host_knows(record(stream));
}

std::vector<std::string> Orders::take_faults() {
  const std::lock_guard lock(mutex_);
  return std::exchange(faults_, {});
}

size_t Orders::num_operations() const {
  const std::lock_guard lock(mutex_);
  return num_operations_;
}

}  // namespace pp::test
