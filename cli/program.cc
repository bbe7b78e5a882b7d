#include "cli/program.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include <elf.h>
#include <storm/detail/suggest.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli/terminal.h"

namespace storm::cli {
namespace {

constexpr std::size_t kHeadBytes = 256;

std::string head_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::array<char, kHeadBytes> head{};
    file.read(head.data(), head.size());
    return {head.data(), static_cast<std::size_t>(file.gcount())};
}

struct Machine {
    unsigned number;
    const char* name;  ///< As uname(2) names it.
};
constexpr std::array<Machine, 9> kMachines = {{{EM_X86_64, "x86_64"},
                                               {EM_AARCH64, "aarch64"},
                                               {EM_386, "i686"},
                                               {EM_ARM, "armv7l"},
                                               {EM_RISCV, "riscv64"},
                                               {EM_PPC64, "ppc64le"},
                                               {EM_S390, "s390x"},
                                               {EM_MIPS, "mips"},
                                               {EM_LOONGARCH, "loongarch64"}}};

std::string machine_name(unsigned number) {
    for (const Machine& machine : kMachines) {
        if (machine.number == number) return machine.name;
    }
    return "machine number " + std::to_string(number);
}

bool is_elf(std::string_view head) {
    return head.size() >= EI_NIDENT && head.substr(0, SELFMAG) == ELFMAG;
}

/// Checks an ELF file. REQUIRES: is_elf(head).
std::optional<ProgramMistake> mistake_in_elf(const std::string& path, std::string_view head) {
    constexpr std::size_t kMachineAt = 18;  // Position of e_machine in both classes.
    const ProgramMistake cut_off = {
        detail::quoted(path) + " is cut off: it ends within its ELF header",
        "build or copy it again"};
    if (head.size() < kMachineAt + 2) return cut_off;
    const auto byte = [head](std::size_t at) { return static_cast<unsigned char>(head[at]); };
    const bool little = byte(EI_DATA) != ELFDATA2MSB;
    const unsigned number = little ? byte(kMachineAt) | unsigned{byte(kMachineAt + 1)} << 8U
                                   : byte(kMachineAt + 1) | unsigned{byte(kMachineAt)} << 8U;
    utsname here{};
    ::uname(&here);
    if (machine_name(number) != here.machine) {
        return ProgramMistake{detail::quoted(path) + " is built for " + machine_name(number) +
                                  ", and this machine is " + here.machine,
                              "it runs here to describe its topology: submit it from a machine "
                              "that it is built for"};
    }
    const unsigned type = byte(16) | unsigned{byte(17)} << 8U;
    if (type != ET_EXEC && type != ET_DYN) {
        return ProgramMistake{
            detail::quoted(path) + " is not a program: an object file or a core dump",
            "give the executable that storm_add_topology() makes"};
    }
    return std::nullopt;
}

/// The first line of a script without "#!".
std::string interpreter_of(std::string_view head) {
    if (!head.starts_with("#!")) return "";
    std::string_view line = head.substr(2, head.find('\n') - 2);
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    return printable(line.substr(0, line.find_first_of(" \t\r")));
}

}  // namespace

/// Told without running it, to say in the user's words what the kernel would merely refuse. It
/// proves nothing: the program may still be anything.
std::optional<ProgramMistake> mistake_in_program(const std::string& path) {
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0) {
        const std::string why = std::strerror(errno);
        return ProgramMistake{"cannot open " + detail::quoted(path) + ": " + why,
                              "give the path of a topology's executable"};
    }
    if (S_ISDIR(found.st_mode)) {
        return ProgramMistake{detail::quoted(path) + " is a folder",
                              "give the path of the topology's executable in it"};
    }
    if (!S_ISREG(found.st_mode)) return ProgramMistake{detail::quoted(path) + " is not a file", ""};
    if ((found.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0 || ::access(path.c_str(), X_OK) != 0) {
        return ProgramMistake{detail::quoted(path) + " is not executable", "chmod +x " + path};
    }
    if (::access(path.c_str(), R_OK) != 0) {
        return ProgramMistake{"cannot read " + detail::quoted(path) + ": " + std::strerror(errno),
                              "it has to be read to be uploaded"};
    }
    if (found.st_size == 0)
        return ProgramMistake{detail::quoted(path) + " is empty", "build it again"};
    const std::string head = head_of(path);
    if (is_elf(head)) return mistake_in_elf(path, head);
    if (!head.starts_with("#!")) {
        return ProgramMistake{
            detail::quoted(path) + " is neither a Linux program nor a script with #!",
            "give the executable that storm_add_topology() makes"};
    }
    return std::nullopt;
}

/// The file itself is there, as mistake_in_program() has seen: what is missing is what it asks for.
ProgramMistake start_failure(const std::string& path, int error) {
    const std::string start = "cannot start " + detail::quoted(path) + ": ";
    const std::string interpreter = interpreter_of(head_of(path));
    if (error == ENOENT && !interpreter.empty()) {
        return {start + "its interpreter " + detail::quoted(interpreter) + " does not exist",
                "install it, or correct the first line"};
    }
    if (error == ENOENT) {
        return {start + "the dynamic linker that it asks for does not exist here",
                "build it on this system, or link it statically; file " + path + " names it"};
    }
    if (error == ENOEXEC) return {start + "this system does not know its format", ""};
    if (error == E2BIG) return {start + "the settings are too long for a command line", ""};
    return {start + std::strerror(error), ""};
}

/// As the dynamic linker of glibc words it. What is worded otherwise the user gets to read as it
/// is.
std::optional<ProgramMistake> linker_mistake(std::string_view printed) {
    constexpr std::string_view kMissing = "error while loading shared libraries: ";
    if (const std::size_t at = printed.find(kMissing); at != std::string_view::npos) {
        const std::string_view rest = printed.substr(at + kMissing.size());
        return ProgramMistake{
            "it needs the shared library " +
                detail::quoted(printable(rest.substr(0, rest.find_first_of(":\n")))) +
                ", which cannot be loaded here",
            "install it here and on the Supervisors' hosts, or link it statically"};
    }
    const std::size_t version = printed.find(": version `");
    const std::size_t end = printed.find("' not found", version);
    if (version != std::string_view::npos && end != std::string_view::npos) {
        const std::size_t from = version + std::strlen(": version `");
        return ProgramMistake{"it needs " +
                                  detail::quoted(printable(printed.substr(from, end - from))) +
                                  " of a shared library, and the one here is older",
                              "build it on the oldest system that it is to run on"};
    }
    return std::nullopt;
}

}  // namespace storm::cli
