// Recognizing secret settings by name, by declaration and by value. Method: lists of keys and
// values that people use.
#include <map>
#include <string>

#include <gtest/gtest.h>
#include <storm/config.h>
#include <storm/detail/secrets.h>

namespace storm::detail {
namespace {

using Settings = std::map<std::string, std::string>;

TEST(Secrets, AreWhatTheirNamesSay) {
    for (const char* const key : {"db.password",
                                  "DB_PASSWORD",
                                  "dbPasswd",
                                  "kafka.sasl.passphrase",
                                  "aws.secret.access.key",
                                  "client_secret",
                                  "token",
                                  "auth-token",
                                  "api.tokens",
                                  "oauth.refreshToken",
                                  "google.credentials",
                                  "apiKey",
                                  "x.api_key",
                                  "ssl.private-key",
                                  "s3.access.key",
                                  "pwd",
                                  "redis.pass",
                                  "signing.key",
                                  "azure.account.key",
                                  "kafka.keystore.pw",
                                  "http.auth.header",
                                  "sasl.jaas.config"}) {
        EXPECT_TRUE(looks_secret(key, "x")) << key;
    }
}

TEST(Secrets, AreNotWhatOnlyResemblesThem) {
    for (const char* const key : {"input", "key", "keys", "tokenizer", "tokenise.words", "passes",
                                  "bypass.cache", "path", "author", "compass.rate"}) {
        EXPECT_FALSE(looks_secret(key, "x")) << key;
    }
}

TEST(Secrets, AreUrlsWithAPassword) {
    EXPECT_TRUE(looks_secret("db.url", "postgres://me:hunter2@db/x"));
    EXPECT_TRUE(looks_secret("db.urls", R"(["http://a/", "amqp://me:p@ss@b"])"));
    EXPECT_FALSE(looks_secret("db.url", "postgres://me@db:5432/x"));
    EXPECT_FALSE(looks_secret("db.url", "http://db:80/a@b"));
    EXPECT_FALSE(looks_secret("db.url", "://"));
}

TEST(Secrets, AreValuesThatCarryOne) {
    for (const char* const value :
         {R"(org.apache.Login required username="u" password="hunter2";)",
          "jdbc:postgresql://db/x?user=u&password=hunter2", "http://store/blob?sv=1&sig=abc%3D",
          "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=abc==;",
          "u:hunter2@tcp(db:3306)/x", R"({"user": "u", "token": "abc"})"}) {
        EXPECT_TRUE(looks_secret("x", value)) << value;
    }
    for (const char* const value :
         {"a=b", "password=", "?password=&x=1", "12:30", "me@example.org", "a:b", "see a:b, or c@d",
          "jdbc:postgresql://db/x?user=u", "http://db:80/a@b", "tokenizer=words", "10:20 x@y",
          R"({"user": "u"})"}) {
        EXPECT_FALSE(looks_secret("x", value)) << value;
    }
}

TEST(Secrets, AreNeverStormsOwnSettings) {
    const Secrets declared(Settings{{"topology.secret.settings", R"(["topology.workers"])"}});

    for (const Setting& setting : known_settings()) {
        EXPECT_FALSE(looks_secret(setting.key, "a://b:c@d")) << setting.key;
    }
    EXPECT_FALSE(declared.has("topology.workers", "2"));
}

TEST(Secrets, AreWhatIsDeclared) {
    const Secrets secrets(Settings{{"topology.secret.settings", "pin, salt"}});

    EXPECT_EQ(secrets.shown("pin", "1234"), kHidden);
    EXPECT_EQ(secrets.shown("salt", ""), kHidden);
    EXPECT_EQ(secrets.shown("db.password", "hunter2"), kHidden);
    EXPECT_EQ(secrets.shown("input", "lines.txt"), "lines.txt");
    EXPECT_EQ(Secrets().shown("pin", "1234"), "1234");
}

}  // namespace
}  // namespace storm::detail
