#include "runtime/job/job.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include <toml++/toml.h>

#include "loader/core/error.h"
#include "runtime/job/checks.h"
#include "runtime/job/document.h"
#include "runtime/job/fields.h"
#include "runtime/job/read.h"
#include "runtime/job/validate.h"

namespace pp {
namespace {

namespace fs = std::filesystem;

std::string read_text(const fs::path& path) {
  std::error_code unreadable;
  if (fs::is_directory(path, unreadable)) {
    throw input_error(
        path.string() +
        " is a folder without manifest.json; pp run expects a job file "
        "(.toml), or the stage directory that 'pp split' writes");
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file.peek() != std::ifstream::traits_type::eof()) {
    text << file.rdbuf();
  }
  if (!file.is_open() || file.bad()) {
    throw input_error(
        "can't read " + path.string() + ": " +
        (errno == ENOENT ? "no such job file" : std::strerror(errno)));
  }
  std::string out = std::move(text).str();
  if (out.starts_with("PK\3\4")) {
    throw usage_error(
        path.string() +
        " is a saved model; pp run expects a job file with model.path set to "
        "it, or the stage directory that 'pp split' writes");
  }
  return out;
}

/// Fills in what depends on the output folder.
void set_output(Job& job, const fs::path& default_dir) {
  if (job.output.dir.empty()) {
    job.output.dir = default_dir;
  }
  if (job.model.checkpoint == fs::path(kLatest)) {
    job.model.checkpoint = job.output.dir;
  }
}

bool may_differ(const std::string& key) {
  return key == "pipeline.launcher" || key == "pipeline.threads_per_rank";
}

/// Whether a key is a path. Hosts may have the files in different folders,
/// under the same names.
bool is_place(std::string_view key) {
  for (const std::string_view name :
       {"path", "stages", "checkpoint", "weights", "dir"}) {
    if (key == name) {
      return true;
    }
  }
  return false;
}

void write_values(
    const toml::table& table, const std::string& prefix, WrittenJob& written) {
  for (const auto& [key, node] : table) {
    const std::string name = prefix + std::string(key.str());
    written.places[name] = place_text(key.source());
    if (const toml::array* items = node.as_array()) {
      for (size_t i = 0; i < items->size(); ++i) {
        written.places[name + "." + std::to_string(i)] =
            place_text((*items)[i].source());
      }
    }
    if (const toml::table* below = node.as_table()) {
      write_values(*below, name + ".", written);
      continue;
    }
    if (may_differ(name)) {
      continue;
    }
    const auto text = node.value<std::string>();
    written.values[name] = text && is_place(key.str())
                               ? fs::path(*text).filename().string()
                               : value_text(node);
  }
}

Job job_of(
    const toml::table& document,
    const std::string& name,
    const fs::path& folder) {
  validate_document(document);
  Job job = read_job(document, fs::absolute(folder));
  check_job(job, document, name);
  write_values(document, "", job.written);
  return job;
}

}  // namespace

std::string WrittenJob::place_of(
    std::initializer_list<std::string_view> keys) const {
  for (const std::string_view key : keys) {
    if (const auto found = places.find(std::string(key));
        found != places.end()) {
      return found->second;
    }
  }
  return "";
}

Job parse_job(
    std::string_view text,
    const std::string& name,
    const fs::path& folder,
    const std::vector<std::string>& overrides) {
  const fs::path base = fs::absolute(folder);
  Job job = job_of(parse_document(text, name, overrides), name, base);
  set_output(job, base / "runs" / fs::path(name).stem());
  return job;
}

Job load_job(const fs::path& path, const std::vector<std::string>& overrides) {
  Job job = parse_job(
      read_text(path),
      path.string(),
      fs::absolute(path).parent_path(),
      overrides);
  job.file = fs::absolute(path).lexically_normal();
  return job;
}

fs::path default_output(const fs::path& stage_directory) {
  const fs::path stages = fs::absolute(stage_directory).lexically_normal();
  const fs::path name = stages.has_filename() ? stages.filename()
                                              : stages.parent_path().filename();
  return fs::current_path() / "runs" / name;
}

fs::path named_checkpoint(
    const std::string& text, const fs::path& stage_directory) {
  return text == kLatest ? default_output(stage_directory) : fs::path(text);
}

Job job_for_stages(
    const fs::path& stage_directory,
    const std::vector<std::string>& overrides) {
  const fs::path stages = fs::absolute(stage_directory).lexically_normal();
  const std::string text =
      "[model]\nstages = " + value_text(toml::value(stages.string()));
  Job job = job_of(
      parse_document(text, stages.string(), overrides),
      stages.string(),
      fs::current_path());
  set_output(job, default_output(stages));
  return job;
}

}  // namespace pp
