#include "loader/archive/mapping_table.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <csignal>
#include <cstring>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include "loader/core/error.h"

namespace pp {

namespace {

/// Text in a fixed buffer: a signal handler must not allocate.
class SignalText {
 public:
  SignalText& operator<<(std::string_view text) {
    const size_t room = buffer_.size() - size_;
    const size_t count = std::min(room, text.size());
    std::memcpy(buffer_.data() + size_, text.data(), count);
    size_ += count;
    return *this;
  }
  SignalText& operator<<(uint64_t number) {
    char* const end = buffer_.data() + buffer_.size();
    const auto [last, error] =
        std::to_chars(buffer_.data() + size_, end, number);
    if (error == std::errc()) {
      size_ = static_cast<size_t>(last - buffer_.data());
    }
    return *this;
  }
  std::string_view text() const { return {buffer_.data(), size_}; }

 private:
  std::array<char, 8192> buffer_{};  // a path has at most 4096 bytes
  size_t size_ = 0;
};

/// A slot for one mapping. It may be reused but is never freed, so a handler
/// may read it at any time.
struct Slot {
  std::atomic<const std::byte*> start{nullptr};  ///< null: the slot is free
  Mapping mapping;  ///< complete before `start` is set

  bool holds(const std::byte* address) const {
    const std::byte* begin = start.load(std::memory_order_acquire);
    return begin != nullptr && address >= begin &&
           address < begin + mapping.size;
  }
};

struct Block {
  std::array<Slot, 128> slots;
  std::atomic<Block*> next{nullptr};
};

/// The mapped file's current state; nullopt if the file is gone. Another file
/// that is now at its path doesn't count, because it leaves the mapping
/// unchanged. Async-signal-safe.
std::optional<struct stat> state_of(const Mapping& mapping) {
  struct stat now {};
  const bool is_same = ::stat(mapping.path, &now) == 0 &&
                       now.st_dev == mapping.device &&
                       now.st_ino == mapping.inode;
  return is_same ? std::optional(now) : std::nullopt;
}

/// Async-signal-safe.
void describe_lost(const Mapping& mapping, SignalText& out) {
  out << mapping.path;
  const std::optional<struct stat> now = state_of(mapping);
  const uint64_t size = now ? static_cast<uint64_t>(now->st_size) : 0;
  if (now && size < mapping.size) {
    out << " was truncated while it was in use: it has " << size
        << " bytes, but had " << uint64_t{mapping.size}
        << " when it was opened";
  } else {
    out << " can no longer be read: it was overwritten while it was in use, "
           "or its disk failed";
  }
  out << "; to change a file that a job reads, replace it with a new file";
}

std::string text_of_lost(const Mapping& mapping) {
  SignalText text;
  describe_lost(mapping, text);
  return std::string(text.text());
}

class Table {
 public:
  /// The slot that holds an address; null if none does.
  const Slot* try_find(const std::byte* address) const {
    for (const Block* block = &first_; block != nullptr;
         block = block->next.load(std::memory_order_acquire)) {
      for (const Slot& slot : block->slots) {
        if (slot.holds(address)) {
          return &slot;
        }
      }
    }
    return nullptr;
  }

  void add(const Mapping& mapping) {
    const std::lock_guard lock(mutex_);
    Slot& slot = free_slot();
    slot.mapping = mapping;
    slot.start.store(mapping.start, std::memory_order_release);
  }

  void remove(const std::byte* start) {
    const std::lock_guard lock(mutex_);
    for (Block* block = &first_; block != nullptr; block = block->next) {
      for (Slot& slot : block->slots) {
        if (slot.start == start) {
          note_change(slot.mapping);
          slot.start = nullptr;
          return;
        }
      }
    }
  }

  /// Describes the first mapping whose file has shrunk; empty if none has.
  std::string shrunk_text() {
    const std::lock_guard lock(mutex_);
    std::string text;
    for_each([&](const Mapping& mapping) {
      const auto now = state_of(mapping);
      if (text.empty() && now &&
          static_cast<uint64_t>(now->st_size) < mapping.size) {
        text = text_of_lost(mapping);
      }
    });
    return text;
  }

  std::vector<std::string> take_changed() {
    const std::lock_guard lock(mutex_);
    for_each([this](const Mapping& mapping) { note_change(mapping); });
    std::vector<std::string> out;
    for (const std::string& file : std::exchange(changed_, {})) {
      if (told_.insert(file).second) {
        out.push_back(file);
      }
    }
    return out;
  }

 private:
  template <class Visit>
  void for_each(Visit visit) const {
    for (const Block* block = &first_; block != nullptr; block = block->next) {
      for (const Slot& slot : block->slots) {
        if (slot.start != nullptr) {
          visit(slot.mapping);
        }
      }
    }
  }

  Slot& free_slot() {
    for (Block* block = &first_;; block = block->next) {
      for (Slot& slot : block->slots) {
        if (slot.start == nullptr) {
          return slot;
        }
      }
      if (block->next == nullptr) {
        block->next = new Block;  // never freed, like the table
      }
    }
  }

  void note_change(const Mapping& mapping) {
    const auto now = state_of(mapping);
    if (now && (now->st_mtim.tv_sec != mapping.changed_at.tv_sec ||
                now->st_mtim.tv_nsec != mapping.changed_at.tv_nsec)) {
      changed_.insert(mapping.path);
    }
  }

  std::mutex mutex_;
  Block first_;
  std::set<std::string> changed_;
  std::set<std::string> told_;
};

/// The table is never destroyed: a signal may arrive while the process exits.
Table& table() {
  static auto* const table = new Table;
  return *table;
}

std::atomic_flag is_ending;
struct sigaction previous_action {};

void on_bus_error(int number, siginfo_t* info, void* /*context*/) {
  const Slot* slot =
      table().try_find(static_cast<const std::byte*>(info->si_addr));
  if (slot == nullptr) {
    ::sigaction(SIGBUS, &previous_action, nullptr);
    ::raise(number);  // delivered after this handler returns
    return;
  }
  while (is_ending.test_and_set()) {
    ::pause();  // another thread prints its line and ends the process
  }
  SignalText line;
  line << "pp: error: ";
  describe_lost(slot->mapping, line);
  line << "\n";
  [[maybe_unused]] const auto written =
      ::write(STDERR_FILENO, line.text().data(), line.text().size());
  ::_exit(static_cast<int>(ErrorKind::Runtime));
}

}  // namespace

void note_mapping(const Mapping& mapping) {
  table().add(mapping);
}

void forget_mapping(const std::byte* start) {
  table().remove(start);
}

void end_on_lost_pages() {
  table();  // create it here: a handler must not allocate
  struct sigaction action {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  ::sigaction(SIGBUS, &action, &previous_action);
}

std::string lost_pages_text(const void* address) {
  const Slot* slot = table().try_find(static_cast<const std::byte*>(address));
  return slot == nullptr ? "" : text_of_lost(slot->mapping);
}

std::vector<std::string> take_changed_files() {
  return table().take_changed();
}

void warn_of_changed_files(const Log& log) {
  for (const std::string& file : take_changed_files()) {
    log.warning(
        file +
        " was written to while it was in use: the data read from it may be "
        "partly old and partly new; to change a file that a job reads, "
        "replace it with a new file");
  }
}

void check_mapped_files(const Log& log) {
  const std::string text = table().shrunk_text();
  if (!text.empty()) {
    throw runtime_error(text);
  }
  warn_of_changed_files(log);
}

}  // namespace pp
