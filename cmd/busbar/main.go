// Command busbar is the whole box in one binary; flags only, the wiring lives in
// controller/appliance.
package main

func main() {}
