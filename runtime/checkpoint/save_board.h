#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loader/archive/checkpoint_state.h"
#include "runtime/checkpoint/shared_folder.h"
#include "runtime/rank/rank_context.h"

namespace pp {

/// Lets the checkpoint threads of the ranks tell each other, through the job's
/// store, how far they are with saving one step. The keys start with
/// "checkpoint/<step>/":
///
/// entered/R          rank R has reached the save
/// begun/R            leader R has made its folder
/// part/K             a WrittenPart
/// committed          the number of leaders that have committed their folder
/// pruned             the number of leaders that have removed old checkpoints
/// done               the number of ranks that have nothing left to do for the
///                    save
class SaveBoard {
 public:
  struct WrittenPart {
    CheckpointPart part;
    int leader = 0;  ///< leader of the folder that contains the part
  };

  /// context  the context of the whole job; must outlive this object
  SaveBoard(RankContext& context, int64_t step, int num_parts);

  void note_entered() const;
  bool has_entered(int rank) const;
  void note_begun() const;
  bool has_begun(int leader) const;
  void note_written(int part, const WrittenPart& written) const;
  bool has_all_parts() const;
  /// Waits until all parts of the job are written, and returns them in order.
  std::vector<WrittenPart> parts() const;
  void note_committed() const;
  int64_t num_committed() const;
  void note_pruned() const;
  int64_t num_pruned() const;
  void note_done() const;
  int64_t num_done() const;

  /// Deletes the step's keys once no rank needs them any more.
  void clear(const FolderSharing& sharing) const;

 private:
  std::string key(const std::string& name) const;
  std::string key(const std::string& name, int number) const;
  std::vector<std::string> part_keys() const;

  RankContext& context_;
  int64_t step_;
  int num_parts_;
};

}  // namespace pp
