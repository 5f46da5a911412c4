#pragma once

#include <filesystem>
#include <memory>
#include <span>

#include "loader/allowed/trust.h"
#include "loader/archive/sync.h"
#include "loader/model/load_options.h"
#include "loader/model/model.h"

namespace pp {

/// How to recognise, read and write models of one format.
struct FormatRow {
  ModelFormat format;
  /// Whether the archive holds a model of this format, in any version.
  bool (*matches)(const ZipReader& archive);
  /// Reads a model, checks that its operators are allowed, resolves them and
  /// lints the graph. Runs no code from the file, unless `trust.script_code` is
  /// set.
  /// throws  Error(Input), see load_model() in model_loader.h
  Model (*load)(
      std::shared_ptr<const ZipReader> archive,
      const LoadOptions& options,
      const Trust& trust);
  /// Writes `graph` as a file that Python torch opens. `graph` is a part of
  /// `source` in which values and states keep their names.
  /// whole_output  true: the graph has the outputs of `source`, in order, and
  ///               the saved model returns them in the structure of `source`;
  ///               false: the saved model returns a tuple
  void (*write)(
      const std::filesystem::path& path,
      const ir::Graph& graph,
      const Model& source,
      bool whole_output,
      Sync sync);
};

/// The formats that a program can read and write, one row each, and how far
/// their files are trusted. A library that doesn't link LibTorch receives this
/// object from its caller, which calls model_formats().
struct ModelFormats {
  std::span<const FormatRow> rows;
  Trust trust = {};
};

/// Opens a saved model and detects its format from its content.
/// throws  Error(Input): the file is missing, is damaged, or holds no model in
///         any of `formats` (the message says how to export one); also
///         everything that FormatRow::load throws
Model load_model(
    const std::filesystem::path& path,
    const ModelFormats& formats,
    const LoadOptions& options = {});

/// Writes `graph`, a part of `source`, in the format of `source`. See
/// FormatRow::write for the arguments.
void write_graph(
    const std::filesystem::path& path,
    const ir::Graph& graph,
    const Model& source,
    bool whole_output,
    Sync sync,
    const ModelFormats& formats);

/// Writes a whole model, with its weights, in the model's own format.
void write_model(
    const std::filesystem::path& path,
    const Model& model,
    const ModelFormats& formats);

}  // namespace pp
