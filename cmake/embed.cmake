# postern_embed(<target> <symbol> <file>)
#
# Puts the octets of <file> into <target> as `extern const unsigned char <symbol>[]` and
# `extern const unsigned long <symbol>_size`, by the assembler's .incbin: no generator, no size limit.
function(postern_embed target symbol file)
  get_filename_component(path "${file}" ABSOLUTE)
  set(out "${CMAKE_CURRENT_BINARY_DIR}/embed_${symbol}.c")
  file(WRITE "${out}.in"
"__asm__(\".section .rodata\\n.balign 16\\n.global ${symbol}\\n${symbol}:\\n.incbin \\\"${path}\\\"\\n\"
        \"${symbol}_end:\\n.byte 0\\n.balign 8\\n.global ${symbol}_size\\n${symbol}_size:\\n.quad ${symbol}_end - ${symbol}\\n\"
        \".section .text\\n\");\n")
  configure_file("${out}.in" "${out}" COPYONLY)
  target_sources(${target} PRIVATE "${out}")
  set_source_files_properties("${out}" PROPERTIES OBJECT_DEPENDS "${path}")
endfunction()
