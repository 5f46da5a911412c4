#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace pp::test {

/// A stream of the fake device: device x kStreamsPerDevice + number.
using StreamKey = int64_t;
inline constexpr StreamKey kStreamsPerDevice = 1 << 20;

/// Knowledge about the progress of each stream: entry (s, n) means that the
/// first n operations of stream s happen before.
using Clock = std::map<StreamKey, uint64_t>;

/// Tracks which operation happens before which on an asynchronous device.
/// Operations are noted when the host enqueues them. If one may run before
/// another that it depends on, that is a fault, whatever the timing of this
/// run. Thread safe.
class Orders {
 public:
  struct Use {
    const void* memory;
    bool writes;
  };
  /// Notes an operation on `stream`. Faults: it reads what another stream may
  /// not have written yet, or writes what another may still use.
  void run(
      StreamKey stream, const std::vector<Use>& uses, const std::string& what);

  void allocated(const void* begin, size_t num_bytes, StreamKey stream);
  /// Frees memory, which the stream that it was allocated on may then reuse.
  /// Fault: another stream may still use it.
  void freed(const void* begin);

  Clock record(StreamKey stream);
  void block(StreamKey stream, const Clock& event);
  // The calling thread learns that an event, or all of a stream, has completed.
  static void host_knows(const Clock& event);
  static bool does_host_know(const Clock& event);
  void host_waits_for(StreamKey stream);

  /// Returns the faults since the last call.
  std::vector<std::string> take_faults();
  size_t num_operations() const;

 private:
  struct Memory {
    size_t num_bytes = 0;
    StreamKey home = 0;
    StreamKey writer = 0;
    uint64_t written = 0;
    Clock used;
    std::string last;
  };
  Memory* try_find(const void* address);
  Clock& now(StreamKey stream);

  mutable std::mutex mutex_;
  std::map<const std::byte*, Memory> memories_;  ///< by first address
  std::map<StreamKey, Clock> streams_;
  std::vector<std::string> faults_;
  size_t num_operations_ = 0;
};

}  // namespace pp::test
