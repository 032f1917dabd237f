// Package devicesim simulates the devices that package devices reads: a meter behind
// Modbus TCP with the registers of any model of the catalogue, and a meter that
// publishes over MQTT. The demonstration, the simulation of a whole site, benchmarks
// and tests use the same ones, over any network.
//
// What a simulated meter measures comes from a function that is called when a value is
// asked for; it must be safe to call from any goroutine. Units are V, A, W, Hz and
// kWh, import positive. Faults can be set at any time from any goroutine. The package
// speaks only the devices' protocols and knows nothing of a site.
package devicesim
