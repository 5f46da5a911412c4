#include "loader/torchscript/write.h"

#include <memory>
#include <string>
#include <system_error>

#include <unistd.h>

#include "loader/core/error.h"
#include "loader/ir/text.h"
#include "loader/torchscript/code/code.h"
#include "loader/torchscript/dead_nodes.h"
#include "loader/torchscript/lower/first_text_line.h"
#include "loader/torchscript/written_graph.h"

namespace pp {

namespace {

namespace fs = std::filesystem;

/// A temporary folder beside the target file, removed with this object.
/// remove_leftovers() knows its name. The file is written inside it under its
/// final name, because LibTorch names the archive's top folder after the file.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(const fs::path& path)
      : folder_(
            path.parent_path() / ("." + path.filename().string() + ".tmp." +
                                  std::to_string(::getpid()))),
        file_(folder_ / path.filename()) {
    fs::create_directories(folder_);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const fs::path& file() const { return file_; }

 private:
  fs::path folder_;
  fs::path file_;
};

/// Drops markers, which code can't express and a stage doesn't need.
void drop_markers(ir::Graph& graph) {
  std::erase_if(graph.nodes, [](const ir::Node& node) {
    return node.target == "pippy._pipe_split.default";
  });
  for (ir::Node& node : graph.nodes) {
    for (ir::NamedArg& input : node.inputs) {
      if (auto* sub = std::get_if<ir::SubGraph>(&input.arg.value)) {
        auto block = std::make_shared<ir::Graph>(*sub->graph);
        drop_markers(*block);
        sub->graph = std::move(block);
      }
    }
  }
}

}  // namespace

void write_torchscript(
    const fs::path& path,
    const ir::Graph& graph,
    const Model& source,
    bool whole_output,
    Sync sync) {
  const auto* details = dynamic_cast<const ts::Details*>(source.details.get());
  check(details != nullptr, "a TorchScript model has its details");
  ir::Graph written = graph;
  drop_markers(written);
  // LibTorch drops dead nodes too when it reads the code back.
  ts::drop_dead_nodes(written);
  try {
    ts::ModuleTree modules(written, source);
    const auto code = ts::to_code(
        written, modules, whole_output ? &details->returned : nullptr);
    const c10::ClassTypePtr type = modules.root()._ivalue()->type();
    torch::jit::Function* forward = modules.unit()->create_function(
        c10::QualifiedName(*type->name(), "forward"), code);
    type->addMethod(forward);
    const TemporaryFolder folder(path);
    modules.root().save(
        folder.file().string(), {{ts::kGraphFile, ir::to_text(written)}});
    if (sync == Sync::Now) {
      sync_path(folder.file());
    }
    fs::rename(folder.file(), path);
  } catch (const fs::filesystem_error& error) {
    throw runtime_error(
        "can't write " + path.string() + ": " + error.code().message());
  } catch (const c10::Error& error) {
    throw runtime_error(
        "can't write " + path.string() + ": " +
        ts::first_text_line(error.what_without_backtrace()));
  }
}

}  // namespace pp
