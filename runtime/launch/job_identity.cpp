#include "runtime/launch/job_identity.h"

#include <array>
#include <ctime>
#include <random>

#include <nlohmann/json.hpp>

#include "loader/core/count_text.h"
#include "runtime/rank/failure.h"

namespace pp {
namespace {

std::string local_time() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  localtime_r(&now, &parts);
  std::array<char, 32> text{};
  const size_t size =
      std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts);
  return {text.data(), size};
}

std::string random_text() {
  std::random_device random;
  return std::to_string((uint64_t{random()} << 32) | random());
}

}  // namespace

JobIdentity own_identity(
    const EnvRanks& ranks, const std::string& output_folder) {
  JobIdentity own;
  own.name = ranks.job_name;
  own.rank = ranks.rank;
  own.size = ranks.size;
  own.output = output_folder;
  own.host = host_name();
  own.process = own_process();
  own.started = local_time();
  own.nonce = random_text();
  return own;
}

std::string to_json(const JobIdentity& identity) {
  const nlohmann::json out = {
      {"name", identity.name},
      {"rank", identity.rank},
      {"size", identity.size},
      {"output", identity.output},
      {"host", identity.host},
      {"process", to_string(identity.process)},
      {"started", identity.started},
      {"nonce", identity.nonce},
  };
  // Paths and names may hold any bytes.
  return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

JobIdentity identity_from_json(const std::string& text) {
  try {
    const auto in = nlohmann::json::parse(text);
    JobIdentity out;
    out.name = in.at("name").get<std::string>();
    out.rank = in.at("rank").get<int>();
    out.size = in.at("size").get<int>();
    out.output = in.at("output").get<std::string>();
    out.host = in.at("host").get<std::string>();
    out.process = parse_process(in.at("process").get<std::string>());
    out.started = in.at("started").get<std::string>();
    out.nonce = in.at("nonce").get<std::string>();
    return out;
  } catch (const nlohmann::json::exception&) {
    throw runtime_error(
        "can't read the job's identity in the job's store; does every rank run "
        "the same version of pp?");
  }
}

bool may_be_one_job(const JobIdentity& a, const JobIdentity& b) {
  const bool one_machine =
      a.host == b.host && a.process.machine == b.process.machine;
  return a.name == b.name && a.size == b.size &&
         (!one_machine || a.output == b.output);
}

std::string describe(const JobIdentity& identity) {
  std::string text = identity.name.empty() ? "" : identity.name + ", ";
  text += count_text(identity.size, "rank", "ranks") + ", ";
  text += identity.output.empty() ? "" : "output in " + identity.output + ", ";
  return text + "started " + identity.started + " (rank " +
         std::to_string(identity.rank) + " is process " +
         std::to_string(identity.process.pid) + " on " + identity.host + ")";
}

std::string key_prefix(const EnvRanks& ranks) {
  std::string prefix =
      "/worker/attempt_" + std::to_string(ranks.restart_count) + "/pp";
  return ranks.agent_store ? prefix + "/" + ranks.run_id : prefix;
}

}  // namespace pp
