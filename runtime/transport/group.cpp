#include "runtime/transport/group.h"

#include <algorithm>

namespace pp {

namespace {

class Group final : public Transport {
 public:
  Group(Transport& all, std::vector<int> members)
      : all_(all), members_(std::move(members)) {
    const auto me = std::ranges::find(members_, all_.rank());
    check(me != members_.end(), "a rank must be a member of its group");
    rank_ = static_cast<int>(me - members_.begin());
  }

  int rank() const override { return rank_; }
  int size() const override { return static_cast<int>(members_.size()); }
  std::unique_ptr<Pending> send(Message message, int to) override {
    return all_.send(std::move(message), members_.at(to));
  }
  std::unique_ptr<Pending> recv(int from) override {
    return all_.recv(members_.at(from));
  }
  void interrupt(const Error& cause) noexcept override {
    all_.interrupt(cause);
  }

 private:
  Transport& all_;
  std::vector<int> members_;
  int rank_ = 0;
};

}  // namespace

std::unique_ptr<Transport> make_group(
    Transport& all, std::vector<int> members) {
  return std::make_unique<Group>(all, std::move(members));
}

}  // namespace pp
