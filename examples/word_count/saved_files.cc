#include "saved_files.h"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <iomanip>
#include <sstream>
#include <stdexcept>

#include <fcntl.h>
#include <unistd.h>

namespace word_count {
namespace {

constexpr int kVersion = 1;

std::string counts_path(const std::string& progress, int index) {
    return progress + ".counts-" + std::to_string(index);
}

/// A rename survives a power failure only when the directory has been synced.
void sync_directory_of(const std::string& path) {
    const std::filesystem::path parent = std::filesystem::path(path).parent_path();
    FileDescriptor(parent.empty() ? "." : parent.string(), O_RDONLY | O_DIRECTORY).sync();
}

void replace(const std::string& path, std::string_view content) {
    ReplacedFile file(path);
    file.write(content);
    file.commit();
}

//     word-count progress 1
//     input "/home/ann/book.txt"
//     repeat 3
//     parallelism 2
//     follow 0
std::string header(std::string_view kind, const RunIdentity& run) {
    std::ostringstream text;
    text << "word-count " << kind << ' ' << kVersion << "\ninput " << std::quoted(run.input)
         << "\nrepeat " << run.repeat << "\nparallelism " << run.parallelism << "\nfollow "
         << run.follow << '\n';
    return text.str();
}

std::string what_to_do(const std::string& progress) {
    return "; run with the settings of that time or, to count from the start, delete \"" +
           progress + "\"";
}

/// Reads `name value` and compares; `given` is what this run has.
template <typename T>
void expect_same(std::istream& file, const char* name, const T& given, const std::string& path,
                 const std::string& progress) {
    std::string found_name;
    T found{};
    file >> found_name;
    if constexpr (std::is_same_v<T, std::string>) {
        file >> std::quoted(found);
    } else {
        file >> found;
    }
    if (!file || found_name != name) {
        throw std::runtime_error("cannot go on from \"" + path + "\": it is damaged" +
                                 what_to_do(progress));
    }
    if (found == given) return;
    std::ostringstream message;
    message << "cannot go on from \"" << path << "\": it was written with " << name << '=' << found
            << ", and this run has " << name << '=' << given << what_to_do(progress);
    throw std::runtime_error(message.str());
}

void check_header(std::istream& file, std::string_view kind, const RunIdentity& run,
                  const std::string& path, const std::string& progress) {
    std::string program;
    std::string found_kind;
    int version = 0;
    file >> program >> found_kind >> version;
    if (!file || program != "word-count" || found_kind != kind) {
        throw std::runtime_error("cannot go on from \"" + path + "\": it is not a " +
                                 std::string(kind) + " file of word-count; name another one");
    }
    if (version != kVersion) {
        throw std::runtime_error("cannot go on from \"" + path + "\": it has version " +
                                 std::to_string(version) + ", and this program writes " +
                                 std::to_string(kVersion) + what_to_do(progress));
    }
    expect_same(file, "input", run.input, path, progress);
    expect_same(file, "repeat", run.repeat, path, progress);
    expect_same(file, "parallelism", run.parallelism, path, progress);
    expect_same(file, "follow", run.follow, path, progress);
}

/// Nothing: there is no such file.
std::optional<std::istringstream> open_saved(const std::string& path) {
    std::error_code error;
    if (!std::filesystem::exists(path, error) && !error) return std::nullopt;
    FileDescriptor file(path, O_RDONLY);
    std::string content(static_cast<std::size_t>(file.status().st_size), '\0');
    content.resize(file.read_at(0, content));
    return std::istringstream(std::move(content));
}

}  // namespace

ReplacedFile::ReplacedFile(const std::string& path) : path_(path) {
    std::error_code error;
    const auto there = std::filesystem::status(path, error);
    if (std::filesystem::is_directory(there)) throw file_error("write", path, EISDIR);
    is_replacement_ = !std::filesystem::exists(there) || std::filesystem::is_regular_file(there);
    if (std::filesystem::is_regular_file(there)) path_ = std::filesystem::canonical(path).string();
    written_path_ = is_replacement_ ? path_ + ".tmp" : path_;
    file_ =
        FileDescriptor(written_path_, O_WRONLY | (is_replacement_ ? O_CREAT | O_TRUNC : 0), 0666);
}

ReplacedFile::~ReplacedFile() {
    if (is_replacement_ && !committed_) ::unlink(written_path_.c_str());
}

void ReplacedFile::commit() {
    if (is_replacement_) {
        file_.sync();
        if (std::rename(written_path_.c_str(), path_.c_str()) != 0) {
            throw file_error("write", path_, errno);
        }
        sync_directory_of(path_);
    }
    file_.close();
    committed_ = true;
}

RunIdentity identity_of(const Settings& settings) {
    return {std::filesystem::weakly_canonical(settings.input).string(), settings.repeat,
            settings.parallelism, settings.follow};
}

void save_progress(const std::string& path, const RunIdentity& run, const Place& place) {
    std::ostringstream text;
    text << header("progress", run) << "pass " << place.pass << "\nfile " << std::quoted(place.file)
         << "\noffset " << place.offset << '\n';
    replace(path, text.str());
}

std::optional<Place> load_progress(const std::string& path, const RunIdentity& run) {
    std::optional<std::istringstream> file = open_saved(path);
    if (!file) return std::nullopt;
    check_header(*file, "progress", run, path, path);
    std::string pass;
    std::string name;
    std::string offset;
    Place place;
    *file >> pass >> place.pass >> name >> std::quoted(place.file) >> offset >> place.offset;
    if (!*file || pass != "pass" || name != "file" || offset != "offset") {
        throw std::runtime_error("cannot go on from \"" + path + "\": it is damaged" +
                                 what_to_do(path));
    }
    return place;
}

//     <header>
//     index 0
//     words 2
//     63924<TAB>the
//     51696<TAB>and
void save_counts(const std::string& progress, const RunIdentity& run, int index,
                 const WordTable& counts) {
    std::string text = header("counts", run);
    text += "index " + std::to_string(index) + "\nwords " + std::to_string(counts.size()) + '\n';
    for (const auto& [word, count] : counts) {
        text.append(std::to_string(count)).append("\t").append(word).append("\n");
    }
    replace(counts_path(progress, index), text);
}

WordTable load_counts(const std::string& progress, const RunIdentity& run, int index) {
    if (!load_progress(progress, run)) return {};
    const std::string path = counts_path(progress, index);
    std::optional<std::istringstream> file = open_saved(path);
    if (!file) {
        throw std::runtime_error("cannot go on from \"" + progress + "\": \"" + path +
                                 "\" is missing, which belongs to it" + what_to_do(progress));
    }
    check_header(*file, "counts", run, path, progress);
    expect_same(*file, "index", index, path, progress);

    std::string name;
    std::size_t words = 0;
    *file >> name >> words;
    WordTable counts;
    std::string word;
    for (std::uint64_t count = 0; *file >> count >> word;) counts.add(word, count);
    if (name != "words" || counts.size() != words) {
        throw std::runtime_error("cannot go on from \"" + path + "\": it is damaged" +
                                 what_to_do(progress));
    }
    return counts;
}

}  // namespace word_count
