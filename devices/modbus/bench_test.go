package modbus_test

import (
	"context"
	"sync"
	"testing"

	"busbar/controller/sitesim/memnet"
	"busbar/devices/catalog"
	"busbar/devices/devicesim"
	"busbar/devices/modbus"
)

// BenchmarkRead is one sample of a meter: request, simulator, answer, reading.
func BenchmarkRead(b *testing.B) {
	network := memnet.New()
	l, err := network.Listen(host)
	if err != nil {
		b.Fatal(err)
	}
	model, err := catalog.Lookup("eastron_sdm630")
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = devicesim.NewMeter(model, 1, usual).Serve(ctx, l) })
	defer wg.Wait()
	defer cancel()
	meter, err := modbus.NewMeter(modbus.Config{Address: modbus.Address{Host: host, Unit: 1}, Model: model, Dial: network.DialContext})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = meter.Close() }()
	for b.Loop() {
		if _, err := meter.Read(ctx); err != nil {
			b.Fatal(err)
		}
	}
}
