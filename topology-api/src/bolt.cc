#include <storm/bolt.h>

namespace storm {

void Bolt::declare_outputs(Outputs& /*outputs*/) const {}
void Bolt::prepare(const TaskContext& /*context*/, BoltCollector& /*out*/) {}
void Bolt::inputs_ended(BoltCollector& /*out*/) {}
void Bolt::finish(BoltCollector& /*out*/) {}
void Bolt::cleanup() {}

void BasicBolt::declare_outputs(Outputs& /*outputs*/) const {}
void BasicBolt::prepare(const TaskContext& /*context*/) {}
void BasicBolt::finish(BasicCollector& /*out*/) {}
void BasicBolt::cleanup() {}

}  // namespace storm
