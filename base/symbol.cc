#include "base/symbol.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace storm::base {
namespace {

constexpr const char* kOwn = "/proc/self/exe";

using Header = ElfW(Ehdr);
using Section = ElfW(Shdr);
using Entry = ElfW(Sym);

/// A file, mapped into memory.
class Mapped {
public:
    explicit Mapped(const char* path) {
        const int file = ::open(path, O_RDONLY | O_CLOEXEC);
        if (file < 0) return;
        struct stat found {};
        if (::fstat(file, &found) == 0 && found.st_size > 0) {
            const auto size = static_cast<std::size_t>(found.st_size);
            memory_ = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
            if (memory_ != MAP_FAILED) bytes_ = {static_cast<const std::byte*>(memory_), size};
        }
        ::close(file);
    }
    Mapped(const Mapped&) = delete;
    Mapped& operator=(const Mapped&) = delete;
    ~Mapped() {
        if (!bytes_.empty()) ::munmap(memory_, bytes_.size());
    }

    /// The entry `index` of a table of T at `offset`; nothing if the file ends before.
    template <typename T>
    std::optional<T> at(std::uint64_t offset, std::uint64_t index = 0) const {
        const std::uint64_t size = bytes_.size();
        if (index >= size || offset > size || (index + 1) * sizeof(T) > size - offset) return {};
        T value{};
        std::memcpy(&value, bytes_.data() + offset + index * sizeof(T), sizeof(T));
        return value;
    }
    /// Copies the text at `offset`, as much as fits.
    void text(std::uint64_t offset, std::span<char> into) const {
        std::size_t i = 0;
        for (; i + 1 < into.size() && offset + i < bytes_.size(); ++i) {
            into[i] = static_cast<char>(bytes_[offset + i]);
            if (into[i] == '\0') return;
        }
        into[i] = '\0';
    }

private:
    void* memory_ = MAP_FAILED;
    std::span<const std::byte> bytes_;
};

/// The table of all symbols; in a stripped file, the table of exported symbols.
std::optional<Section> symbol_table(const Mapped& file, const Header& header) {
    std::optional<Section> table;
    for (std::uint64_t i = 0; i < header.e_shnum; ++i) {
        const auto section = file.at<Section>(header.e_shoff, i);
        if (!section) break;
        if (section->sh_type == SHT_SYMTAB) return section;
        if (section->sh_type == SHT_DYNSYM) table = section;
    }
    return table;
}

void find_function(const Mapped& file, Symbol& symbol) {
    const auto header = file.at<Header>(0);
    if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return;
    const auto table = symbol_table(file, *header);
    if (!table) return;
    const auto names = file.at<Section>(header->e_shoff, table->sh_link);
    if (!names) return;
    for (std::uint64_t i = 0; i < table->sh_size / sizeof(Entry); ++i) {
        const auto entry = file.at<Entry>(table->sh_offset, i);
        if (!entry) return;
        const bool is_here = ELF64_ST_TYPE(entry->st_info) == STT_FUNC &&
                             symbol.offset >= entry->st_value &&
                             symbol.offset - entry->st_value < entry->st_size;
        if (!is_here) continue;
        symbol.into_function = symbol.offset - entry->st_value;
        return file.text(names->sh_offset + entry->st_name, symbol.function_bytes);
    }
}

}  // namespace

std::array<char, 256> own_program() {
    std::array<char, 256> path{};
    static_cast<void>(::readlink(kOwn, path.data(), path.size() - 1));
    return path;
}

/// For signal handlers: _dl_find_object() takes no lock (glibc 2.35), the rest maps and compares.
void find_symbol(std::uintptr_t address, Symbol& symbol) {
    symbol.file_bytes[0] = symbol.function_bytes[0] = '\0';
    symbol.offset = address;
    dl_find_object found{};
    if (::_dl_find_object(std::bit_cast<void*>(address), &found) != 0) return;
    symbol.offset = address - found.dlfo_link_map->l_addr;
    const char* const name = found.dlfo_link_map->l_name;
    if (*name == '\0') {  // The program itself; its path may lead to a newer file.
        symbol.file_bytes = own_program();
    } else {
        const std::size_t count = std::min(std::strlen(name), symbol.file_bytes.size() - 1);
        std::memcpy(symbol.file_bytes.data(), name, count);
        symbol.file_bytes[count] = '\0';
    }
    find_function(Mapped(*name == '\0' ? kOwn : name), symbol);
}

}  // namespace storm::base
