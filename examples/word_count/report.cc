#include "report.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <storm/topology.h>
#include <unistd.h>

#include "status_text.h"

namespace word_count {
namespace {

constexpr std::size_t kShown = 5;

std::string as_text(const std::vector<WordCount>& sorted) {
    std::string text;
    for (const WordCount& each : sorted) {
        text.append(std::to_string(each.count)).append("\t").append(each.word).append("\n");
    }
    return text;
}

}  // namespace

void Report::prepare(const storm::TaskContext& context) {
    context_ = context;
    if (!output_.empty()) file_ = std::make_unique<ReplacedFile>(output_);
}

void Report::execute(const storm::Tuple& input, storm::BasicCollector&) {
    if (input.source_stream() != "top") {
        counts_.add(input.string("word"), static_cast<std::uint64_t>(input.int64("count")));
        return;
    }
    const storm::Value words = input.value("words");
    std::vector<WordCount>& top = top_[input.source_task()];
    top.clear();
    for (std::size_t i = 0; i + 1 < words.list().size(); i += 2) {
        top.push_back(
            {words.list()[i].string(), static_cast<std::uint64_t>(words.list()[i + 1].int64())});
    }
    show_top();
}

void Report::show_top() const {
    std::vector<WordCount> all;
    for (const auto& [task, top] : top_) all.insert(all.end(), top.begin(), top.end());
    std::sort(all.begin(), all.end(), comes_before);
    std::string text;
    for (std::size_t i = 0; i < std::min(kShown, all.size()); ++i) {
        if (i > 0) text += ", ";
        text += all[i].word + ' ' + with_commas(all[i].count);
    }
    if (all.size() > kShown) text += ", …";
    context_->set_status(std::move(text));
}

void Report::finish(storm::BasicCollector&) {
    const std::string text = as_text(counts_.top(counts_.size()));
    if (file_ != nullptr) {
        file_->write(text);
        file_->commit();
        return;
    }
    try {
        FileDescriptor::standard(STDOUT_FILENO, "standard output").write_all(text);
    } catch (const FileError& error) {
        if (error.error != EPIPE) throw;  // Else the reader, such as `head`, has seen enough.
    }
}

}  // namespace word_count
