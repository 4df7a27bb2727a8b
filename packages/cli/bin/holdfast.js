#!/usr/bin/env node
// The `holdfast` command. npm links only a command that exists at install time, so this file is not built.
import '../dist/main.js'
