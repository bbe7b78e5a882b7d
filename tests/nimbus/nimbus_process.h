// A storm-nimbus in a process of its own, for tests: on a free port, ended with the object.
#pragma once

#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "net/http_client.h"

namespace storm::nimbus::tests {

inline std::string read_text(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

/// Asks again, some times a second, until it is so or the time is over.
template <typename Question>
bool soon(const Question& is_so, std::chrono::milliseconds most = std::chrono::seconds(20)) {
    const base::SteadyClock clock;
    const base::Micros until = clock.now() + most.count() * 1000;
    while (!is_so()) {
        if (clock.now() > until) return false;
        ::poll(nullptr, 0, 10);
    }
    return true;
}

class NimbusProcess {
public:
    /// `through`: a program and its arguments that run it, as in {"/usr/bin/nice"}.
    NimbusProcess(std::string dir, std::vector<std::string> settings,
                  std::vector<std::string> through = {})
        : dir_(std::move(dir)), settings_(std::move(settings)), through_(std::move(through)) {
        start();
    }
    NimbusProcess(const NimbusProcess&) = delete;
    NimbusProcess& operator=(const NimbusProcess&) = delete;
    ~NimbusProcess() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            wait();
        }
    }

    /// Again on the port that it had.
    void start() {
        std::vector<std::string> words = through_;
        words.emplace_back(STORM_BIN_DIR "/storm-nimbus");
        const auto add = [&](const std::string& setting) {
            words.emplace_back("-c");
            words.push_back(setting);
        };
        add("storm.local.dir=" + dir_);
        add("nimbus.port=" + std::to_string(port_));
        for (const std::string& setting : settings_) add(setting);
        std::vector<char*> argv;
        for (std::string& word : words) argv.push_back(word.data());
        argv.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, 2, log().c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                         0600);
        const int failed = ::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
        posix_spawn_file_actions_destroy(&actions);
        if (failed != 0) throw std::runtime_error("cannot start " + words[0]);
    }
    /// Waits until it says that it is. False: it does not.
    bool is_ready() {
        return soon([this] {
            const auto json =
                nlohmann::json::parse(read_text(dir_ + "/nimbus.json"), nullptr, false);
            if (!json.is_object()) return false;
            port_ = json.at("port").get<std::uint16_t>();
            return true;
        });
    }
    void signal(int number) const { ::kill(pid_, number); }
    /// Its exit code; negative: the signal that ended it.
    int wait() {
        int status = 0;
        ::waitpid(std::exchange(pid_, -1), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }

    pid_t pid() const { return pid_; }
    std::uint16_t port() const { return port_; }
    std::string log() const { return dir_ + ".log"; }
    std::string token() const {
        const std::string text = read_text(dir_ + "/token");
        return text.substr(0, text.find('\n'));
    }

    net::HttpCall call(const std::string& method, const std::string& target,
                       std::string body = {}) const {
        net::HttpCall wanted;
        wanted.host = "127.0.0.1";
        wanted.port = port_;
        wanted.method = method;
        wanted.target = target;
        wanted.body = std::move(body);
        return wanted;
    }
    net::HttpResponse ask(const net::HttpCall& wanted) const {
        auto answer = net::call(wanted);
        if (answer) return std::move(answer).value();
        net::HttpResponse none;
        none.status = 0;
        none.body = answer.error().message;
        return none;
    }
    net::HttpResponse get(const std::string& target) const { return ask(call("GET", target)); }
    /// Sends the token.
    net::HttpResponse change(const std::string& method, const std::string& target,
                             std::string body = {}) const {
        net::HttpCall wanted = call(method, target, std::move(body));
        wanted.headers["Authorization"] = "Bearer " + token();
        return ask(wanted);
    }
    nlohmann::json json(const std::string& target) const {
        return nlohmann::json::parse(get(target).body, nullptr, false);
    }
    bool leads() const {
        const auto health = json("/health");
        return health.is_object() && health.at("is_leader") == true;
    }

private:
    const std::string dir_;
    const std::vector<std::string> settings_;
    const std::vector<std::string> through_;
    pid_t pid_ = -1;
    std::uint16_t port_ = 0;
};

}  // namespace storm::nimbus::tests
