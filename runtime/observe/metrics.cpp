#include "runtime/observe/metrics.h"

#include <cerrno>
#include <fstream>
#include <limits>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "loader/archive/named_file.h"
#include "loader/core/error.h"

namespace pp {
namespace fs = std::filesystem;
namespace {

// Keys are written in the documented order.
using Json = nlohmann::ordered_json;

constexpr int kMetricsVersion = 1;  // docs/formats.md

/// Precedes the name of a metric in an evaluation's line.
constexpr std::string_view kEvalPrefix = "eval_";

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

/// Whether an open file has no name any more.
bool is_removed(int file) {
  struct stat status {};
  return fstat(file, &status) == 0 && status.st_nlink == 0;
}

std::optional<int64_t> step_in(const Json& json) {
  const auto step = json.find("step");
  return step != json.end() && step->is_number_integer()
             ? std::optional(step->get<int64_t>())
             : std::nullopt;
}

double number_or_nan(const Json& json) {
  return json.is_number() ? json.get<double>()
                          : std::numeric_limits<double>::quiet_NaN();
}

EvalReport evaluation_of(const Json& json, int64_t step) {
  EvalReport report{.step = step};
  for (const auto& [key, value] : json.items()) {
    if (key == "eval_loss") {
      report.loss = number_or_nan(value);
    } else if (key == "eval_s") {
      report.seconds = number_or_nan(value);
    } else if (key.starts_with(kEvalPrefix)) {
      report.metrics.push_back(
          {key.substr(kEvalPrefix.size()), number_or_nan(value)});
    }
  }
  return report;
}

/// Returns the bytes of the lines before the first that is incomplete or whose
/// step is `first_step` or later.
uintmax_t bytes_before(const fs::path& path, int64_t first_step) {
  std::ifstream file(path, std::ios::binary);
  std::string line;
  uintmax_t kept = 0;
  while (std::getline(file, line) && !file.eof()) {
    const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    const std::optional<int64_t> step =
        json.is_object() ? step_in(json) : std::nullopt;
    if (!step || *step >= first_step) {
      break;
    }
    kept += line.size() + 1;
  }
  return kept;
}

}  // namespace

std::string metrics_line(const StepReport& report) {
  Json json = {{"version", kMetricsVersion}, {"step", report.step}};
  if (report.loss) {
    json["loss"] = *report.loss;
  }
  if (report.grad_norm) {
    json["grad_norm"] = *report.grad_norm;
  }
  json["lr"] = report.lr;
  json["step_ms"] = report.step_ms;
  json["samples_per_s"] = report.samples_per_s;
  if (report.tokens_per_s) {
    json["tokens_per_s"] = *report.tokens_per_s;
  }
  if (report.bubble) {
    json["bubble"] = *report.bubble;
  }
  return json.dump();
}

std::string metrics_line(const EvalReport& report) {
  Json json = {
      {"version", kMetricsVersion},
      {"step", report.step},
      {"eval_loss", report.loss}};
  for (const MetricValue& metric : report.metrics) {
    json[std::string(kEvalPrefix) + metric.name] = metric.value;
  }
  json["eval_s"] = report.seconds;
  return json.dump();
}

std::vector<EvalReport> read_evaluations(
    const fs::path& path, int64_t last_step) {
  std::ifstream file(path, std::ios::binary);
  std::string line;
  std::vector<EvalReport> found;
  while (std::getline(file, line) && !file.eof()) {
    const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object() || !json.contains("eval_loss")) {
      continue;
    }
    const std::optional<int64_t> step = step_in(json);
    if (step && *step <= last_step) {
      found.push_back(evaluation_of(json, *step));
    }
  }
  return found;
}

MetricsWriter::MetricsWriter(const fs::path& path, int64_t first_step)
    : path_(path),
      folder_(
          ::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  std::error_code error;
  if (fs::is_regular_file(path, error)) {
    fs::resize_file(path, bytes_before(path, first_step), error);
    if (error) {
      throw runtime_error(
          path.string() + ": cannot truncate the metrics: " + error.message());
    }
  }
  open();
}

void MetricsWriter::open() {
  file_.reset(std::fopen(path_.c_str(), "ae"));
  if (!file_) {
    throw runtime_error(
        path_.string() +
        ": cannot open the metrics: " + std::generic_category().message(errno));
  }
}

void MetricsWriter::write(const StepReport& report) {
  append(metrics_line(report));
}

void MetricsWriter::write(const EvalReport& report) {
  append(metrics_line(report));
}

void MetricsWriter::append(const std::string& line) {
  if (!is_named(path_, fileno(file_.get()))) {
    // The folder's lock goes with the folder, so another job may use the name.
    if (folder_ && !is_named(folder_of(path_), folder_.get())) {
      throw runtime_error(
          folder_of(path_).string() +
          " was moved, removed or replaced while the job was writing to it");
    }
    if (is_removed(fileno(file_.get())) && !fs::exists(path_)) {
      throw runtime_error(
          path_.string() + " was removed while the job was writing to it");
    }
    open();
  }
  const std::string text = line + "\n";
  if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size() ||
      std::fflush(file_.get()) != 0) {
    throw runtime_error(
        path_.string() + ": cannot write the metrics: " +
        std::generic_category().message(errno));
  }
}

}  // namespace pp
