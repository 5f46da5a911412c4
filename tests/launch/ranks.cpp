#include "tests/launch/ranks.h"

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <thread>

#include <arpa/inet.h>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <unistd.h>

namespace pp::testing {
namespace {

namespace fs = std::filesystem;

nlohmann::json read(const fs::path& path) {
  std::ifstream in(path);
  return in ? nlohmann::json::parse(in) : nlohmann::json();
}

fs::path file_of(const fs::path& dir, int rank) {
  return dir / ("rank_" + std::to_string(rank) + ".json");
}

}  // namespace

RankDir::RankDir() {
  std::string pattern = (fs::temp_directory_path() / "pp_XXXXXX").string();
  path_ = mkdtemp(pattern.data());
}

RankDir::~RankDir() {
  fs::remove_all(path_);
}

std::vector<std::string> RankDir::command(
    const std::string& mode, int rank) const {
  return {PP_RANK_PROGRAM, path_.string(), mode, std::to_string(rank)};
}

bool RankDir::ended(int rank) const {
  return fs::exists(file_of(path_, rank));
}

std::string RankDir::error(int rank) const {
  return ended(rank) ? read(file_of(path_, rank)).at("error") : "no file";
}

int RankDir::code(int rank) const {
  return ended(rank) ? read(file_of(path_, rank)).at("code").get<int>() : -1;
}

int64_t RankDir::ms_to_stop(int rank) const {
  const auto failing = read(path_ / "failing.json").at("at").get<int64_t>();
  return read(file_of(path_, rank)).at("at").get<int64_t>() - failing;
}

bool RankDir::wait_for_idle(int num_ranks) const {
  for (int look = 0; look < 3000; ++look) {
    int idle = 0;
    for (int rank = 0; rank < num_ranks; ++rank) {
      const std::string name = "idle_" + std::to_string(rank) + ".json";
      idle += fs::exists(path_ / name) ? 1 : 0;
    }
    if (idle == num_ranks) {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

std::vector<Child> start_ranks(
    int num_ranks, const std::vector<std::string>& command) {
  sigset_t mask;
  sigemptyset(&mask);
  const std::string port = std::to_string(free_port());
  std::vector<Child> out;
  for (int rank = 0; rank < num_ranks; ++rank) {
    out.emplace_back(
        command,
        std::map<std::string, std::string>{
            {"RANK", std::to_string(rank)},
            {"WORLD_SIZE", std::to_string(num_ranks)},
            {"MASTER_ADDR", "localhost"},
            {"MASTER_PORT", port}},
        mask);
  }
  return out;
}

Child start_rank(
    int rank,
    const std::vector<std::string>& command,
    std::map<std::string, std::string> variables) {
  sigset_t mask;
  sigemptyset(&mask);
  variables["RANK"] = std::to_string(rank);
  variables["WORLD_SIZE"] = "2";
  return Child(command, variables, mask);
}

bool wait_for_all(std::vector<Child>& ranks) {
  for (int look = 0; look < 4000; ++look) {
    bool running = false;
    for (Child& rank : ranks) {
      running = rank.running() || running;
    }
    if (!running) {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

int free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* any = reinterpret_cast<sockaddr*>(&address);
  bind(fd, any, size);
  getsockname(fd, any, &size);
  close(fd);
  return ntohs(address.sin_port);
}

}  // namespace pp::testing
