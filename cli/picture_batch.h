// The pictures of a run and their files.
#pragma once

#include "cli/progress_line.h"
#include "pictures/result.h"
#include "request/request.h"

#include <string>
#include <vector>

namespace sfumato {

/// Each picture is written as soon as it comes, so that what happens later takes nothing away.
class picture_batch {
  public:
    /// OUT, or for several pictures OUT-1, OUT-2 … before the ending. Throws error when one of them cannot be written.
    picture_batch(std::string const& out, int count, result_size const&, plain_colour const& background,
                  progress_line&);

    std::vector<std::string> const& names() const { return names_; }
    /// The next one. Where one of several cannot be written under its name, that is said, and the run goes on.
    void write(picture_file const&, std::vector<text_entry> const&, request const& recipe);
    /// Of the first.
    request const& recipe() const { return recipe_; }

    /// For the end of a run that was cancelled: "cancelled; 2 of 3 pictures are there".
    std::string cancelled() const;
    /// Throws error where one could not be written under its name.
    void check_all_written() const;

  private:
    std::vector<std::string> names_;
    plain_colour background_;
    progress_line& line_;
    request recipe_{};
    std::size_t taken_ = 0, lost_ = 0;
};

} // namespace sfumato
