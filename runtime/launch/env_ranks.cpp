#include <charconv>
#include <string_view>

#include "loader/core/count_text.h"
#include "runtime/launch/launch.h"

namespace pp {
namespace {

class Environment {
 public:
  explicit Environment(const std::function<const char*(const char*)>& getenv)
      : getenv_(getenv) {}

  /// The variable's value; empty if it is not set.
  std::string text(const char* name) const {
    const char* value = getenv_(name);
    return value ? value : "";
  }
  bool has(const char* name) const { return !text(name).empty(); }

  std::optional<int> number(const char* name) const {
    const std::string value = text(name);
    if (value.empty()) {
      return std::nullopt;
    }
    int out = 0;
    const char* end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, out);
    if (error != std::errc() || stop != end || out < 0) {
      throw usage_error(
          "the environment variable " + std::string(name) + " is '" + value +
          "'; it must be an integer of 0 or more");
    }
    return out;
  }

  int needed(const char* name, const char* because) const {
    const auto value = number(name);
    if (!value) {
      throw usage_error(
          "the environment variable " + std::string(because) + " is set, but " +
          name + " isn't; set both or neither");
    }
    return *value;
  }

 private:
  const std::function<const char*(const char*)>& getenv_;
};

/// "rack[2-3]node[03-05,9],other" -> "rack2node03": the host of rank 0.
std::string first_host(const std::string& list) {
  std::string host;
  for (size_t i = 0; i < list.size() && list[i] != ','; ++i) {
    if (list[i] != '[') {
      host += list[i];
      continue;
    }
    const size_t end = list.find(']', i);
    const size_t number_end = list.find_first_of("-,]", i);
    if (end == std::string::npos) {
      break;
    }
    host += list.substr(i + 1, number_end - i - 1);
    i = end;
  }
  return host;
}

EnvRanks from_torchrun(const Environment& env) {
  EnvRanks out;
  out.rank = env.needed("RANK", "WORLD_SIZE");
  out.size = env.needed("WORLD_SIZE", "RANK");
  out.local_rank = env.number("LOCAL_RANK").value_or(0);
  out.local_size = env.number("LOCAL_WORLD_SIZE").value_or(1);
  out.agent_store = env.text("TORCHELASTIC_USE_AGENT_STORE") == "True";
  out.restart_count = env.number("TORCHELASTIC_RESTART_COUNT").value_or(0);
  out.run_id = env.text("TORCHELASTIC_RUN_ID");
  if (!out.run_id.empty()) {
    out.job_name = "torchrun run " + out.run_id;
  }
  return out;
}

// A batch script has SLURM_PROCID too; only srun makes a step.
std::optional<EnvRanks> from_slurm(const Environment& env) {
  const bool in_step =
      env.has("SLURM_PROCID") &&
      (env.has("SLURM_STEP_ID") || env.has("SLURM_STEP_NUM_TASKS"));
  if (!in_step) {
    return std::nullopt;
  }
  EnvRanks out;
  out.size = env.number("SLURM_STEP_NUM_TASKS")
                 .value_or(env.number("SLURM_NTASKS").value_or(1));
  if (out.size < 2) {
    return std::nullopt;
  }
  out.rank = env.needed("SLURM_PROCID", "SLURM_STEP_ID");
  out.local_rank = env.number("SLURM_LOCALID").value_or(0);
  out.run_id = env.text("SLURM_JOB_ID");
  // The parts of a heterogeneous job have numbers of their own.
  const std::string whole = env.text("SLURM_HET_JOB_ID");
  out.job_name = "Slurm step " + (whole.empty() ? out.run_id : whole) + "." +
                 env.text("SLURM_STEP_ID");
  out.one_console = true;
  std::string hosts = env.text("SLURM_STEP_NODELIST");
  hosts = hosts.empty() ? env.text("SLURM_JOB_NODELIST") : hosts;
  if (!hosts.empty()) {
    out.master_addr = first_host(hosts);
  }
  // Two jobs on one machine should not use the same port.
  out.master_port += env.number("SLURM_JOB_ID").value_or(0) % 1000;
  return out;
}

std::optional<EnvRanks> from_open_mpi(const Environment& env) {
  EnvRanks out;
  out.size = env.number("OMPI_COMM_WORLD_SIZE").value_or(1);
  if (out.size < 2) {
    return std::nullopt;
  }
  out.rank = env.needed("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE");
  out.local_rank = env.number("OMPI_COMM_WORLD_LOCAL_RANK").value_or(0);
  out.local_size = env.number("OMPI_COMM_WORLD_LOCAL_SIZE").value_or(out.size);
  out.run_id = env.text("PMIX_NAMESPACE");
  if (out.run_id.empty()) {
    out.run_id = env.text("OMPI_MCA_ess_base_jobid");
  }
  if (!out.run_id.empty()) {
    out.job_name = "Open MPI job " + out.run_id;
  }
  out.one_console = true;
  if (out.local_size < out.size && !env.has("MASTER_ADDR")) {
    throw usage_error(
        "mpirun started " + count_text(out.size, "rank", "ranks") + ", " +
        std::to_string(out.local_size) +
        " on this machine, but MASTER_ADDR, the address of rank 0's machine, "
        "is not set; pass it with mpirun -x MASTER_ADDR=...");
  }
  return out;
}

}  // namespace

std::optional<EnvRanks> read_env_ranks(
    const std::function<const char*(const char*)>& getenv) {
  const Environment env(getenv);
  std::optional<EnvRanks> out;
  if (env.has("RANK") || env.has("WORLD_SIZE")) {
    out = from_torchrun(env);
  }
  if (!out) {
    out = from_slurm(env);
  }
  if (!out) {
    out = from_open_mpi(env);
  }
  if (!out) {
    return std::nullopt;
  }
  if (env.has("MASTER_ADDR")) {
    out->master_addr = env.text("MASTER_ADDR");
  }
  out->master_port = env.number("MASTER_PORT").value_or(out->master_port);
  if (out->master_port < 1 || out->master_port > 65535) {
    throw usage_error(
        "MASTER_PORT is " + std::to_string(out->master_port) +
        "; it must be a port from 1 to 65535");
  }
  if (out->rank >= out->size) {
    throw usage_error(
        "this is rank " + std::to_string(out->rank) + " of " +
        std::to_string(out->size) + "; ranks are from 0 to " +
        std::to_string(out->size - 1));
  }
  out->secret = JobSecret(env.text(kSecretVariable));
  return out;
}

}  // namespace pp
