#include "tests/support/zookeeper.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace storm::testing {
namespace {

constexpr std::chrono::milliseconds kPoll{10};
constexpr std::chrono::seconds kStartMax{20};
const char* const kScript = STORM_SOURCE_DIR "/tools/zookeeper.sh";

int loopback_socket() {
    return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

template <typename Function>
auto with_sockaddr(Function function, int socket, sockaddr_in& address) {
    return function(socket, static_cast<sockaddr*>(static_cast<void*>(&address)), sizeof(address));
}

std::uint16_t free_port() {
    const int socket = loopback_socket();
    sockaddr_in address = loopback(0);
    socklen_t length = sizeof(address);
    const bool found =
        with_sockaddr(::bind, socket, address) == 0 &&
        ::getsockname(socket, static_cast<sockaddr*>(static_cast<void*>(&address)), &length) == 0;
    ::close(socket);
    if (!found) throw std::runtime_error("cannot find a free port");
    return ntohs(address.sin_port);
}

}  // namespace

Zookeeper::Zookeeper() : port_(free_port()) {
    std::string pattern = std::filesystem::temp_directory_path() / "storm-zookeeper-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make " + pattern);
    folder_ = pattern;
    start();
}

Zookeeper::~Zookeeper() {
    kill();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

bool Zookeeper::data_has(const std::string& text) const {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_)) {
        if (!entry.is_regular_file()) continue;
        std::ifstream file(entry.path(), std::ios::binary);
        const std::string all{std::istreambuf_iterator<char>(file), {}};
        if (all.find(text) != std::string::npos) return true;
    }
    return false;
}

bool Zookeeper::is_installed() {
    return std::filesystem::exists("/usr/share/java/zookeeper.jar") &&
           std::filesystem::exists("/usr/bin/java");
}

void Zookeeper::start() {
    const std::string log = folder_ + "/log";
    const std::string port = std::to_string(port_);
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0) {
        // The script becomes the server (exec), so this holds for it.
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) ::_exit(1);
        const int to = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        ::dup2(to, STDOUT_FILENO);
        ::dup2(to, STDERR_FILENO);
        ::execl(kScript, kScript, "run", folder_.c_str(), port.c_str(), nullptr);
        ::_exit(127);
    }
    const auto end = std::chrono::steady_clock::now() + kStartMax;
    while (!answers_()) {
        if (is_over_() || std::chrono::steady_clock::now() > end) {
            kill();
            throw std::runtime_error("ZooKeeper did not start: " + log_end_());
        }
        std::this_thread::sleep_for(kPoll);
    }
}

void Zookeeper::kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
}

void Zookeeper::kill_and_empty() {
    kill();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directory(folder_);
}

void Zookeeper::pause() {
    ::kill(pid_, SIGSTOP);
}
void Zookeeper::resume() {
    ::kill(pid_, SIGCONT);
}

bool Zookeeper::answers_() const {
    const int socket = loopback_socket();
    sockaddr_in address = loopback(port_);
    const bool connected = with_sockaddr(::connect, socket, address) == 0;
    ::close(socket);
    return connected;
}

bool Zookeeper::is_over_() {
    if (pid_ <= 0) return true;
    if (::waitpid(pid_, nullptr, WNOHANG) != pid_) return false;
    pid_ = -1;
    return true;
}

std::string Zookeeper::log_end_() const {
    std::ifstream log(folder_ + "/log");
    const std::string text((std::istreambuf_iterator<char>(log)), {});
    return text.substr(text.size() - std::min<std::size_t>(text.size(), 2000));
}

}  // namespace storm::testing
