// Package tuitest drives the UI in tests: a backend with a sample of
// everything, a driver that runs a model's commands to rest, and golden files.
package tuitest
