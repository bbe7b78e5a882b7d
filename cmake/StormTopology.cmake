# storm_add_topology(word-count word_count.cc …): a topology is an executable that links
# storm::topology. The same function serves inside this repository and after find_package(Storm).
function(storm_add_topology name)
    add_executable(${name} ${ARGN})
    target_link_libraries(${name} PRIVATE storm::topology)
endfunction()
