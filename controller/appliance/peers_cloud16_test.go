package appliance

import (
	"fmt"
	"testing"
	"time"

	busbar "busbar/ocpp"

	"github.com/lorenzodonini/ocpp-go/ocpp"
	ocpp16 "github.com/lorenzodonini/ocpp-go/ocpp1.6"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/core"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/firmware"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/localauth"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/remotetrigger"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/reservation"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/smartcharging"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/types"
)

// peer16 is an independent central system with our simulated station CS1 on it.
type peer16 struct {
	t  *testing.T
	cs ocpp16.CentralSystem
	cloud
}

// TestIndependentCentralSystemHearsAllOf16 has the simulated station charge, and say
// and hear its messages of OCPP 1.6, at a central system that is not ours, over each
// security profile, from boot to the update of its firmware.
//
// What the library (ocpp-go 0.19.0) can't do, so that this test can't show it: it does
// not compare a client certificate with the identity (profile 3). What the simulated
// station of 1.6 does not have is the security extension.
func TestIndependentCentralSystemHearsAllOf16(t *testing.T) {
	for _, profile := range peerProfiles {
		t.Run(fmt.Sprintf("profile %d", profile), func(t *testing.T) {
			t.Parallel()
			p := serve16(t, profile)
			p.charges()
			p.isLed()
			p.isKept()
			p.isRenewed()
		})
	}
}

// serve16 runs a central system behind a security profile, and a station on it.
func serve16(t *testing.T, profile int) *peer16 {
	t.Helper()
	p := &peer16{t: t, cloud: cloud{newDiary()}}
	at := freePort(t)
	server, station := behind(t, newAuthority(t), profile, at)
	p.cs = ocpp16.NewCentralSystem(nil, server)
	p.cs.SetCoreHandler(p)
	p.cs.SetFirmwareManagementHandler(p)
	startCloud(t, p.cs, at)
	station.Protocol = busbar.V16
	simulate(t, station)
	return p
}

// asks makes a call of the central system and compares the status of the answer, or the
// code of the error.
func (p *peer16) asks(request ocpp.Request, want string) {
	p.t.Helper()
	said := make(chan string, 1)
	if err := p.cs.SendRequestAsync("CS1", request, func(answer ocpp.Response, err error) { said <- status16(answer, err) }); err != nil {
		p.t.Fatalf("%s: %v", request.GetFeatureName(), err)
	}
	select {
	case got := <-said:
		if got != want {
			p.t.Errorf("%s: %s, want %s", request.GetFeatureName(), got, want)
		}
	case <-time.After(20 * time.Second):
		p.t.Fatalf("%s: no answer", request.GetFeatureName())
	}
}

// hears waits for a line that begins with each prefix.
func (p *peer16) hears(prefixes ...string) {
	p.t.Helper()
	for _, prefix := range prefixes {
		p.take(p.t, prefix)
	}
}

// charges follows a session that a driver begins, and ends it.
func (p *peer16) charges() {
	p.t.Helper()
	p.hears("boot CS1 Simulated", "status 1 Available", "status 1 Preparing", "authorize TAG1", "start 1 TAG1 ", "status 1 Charging")
	p.asks(core.NewChangeConfigurationRequest("MeterValueSampleInterval", "1"), "Accepted")
	p.asks(core.NewChangeConfigurationRequest("NumberOfConnectors", "3"), "Rejected")
	p.asks(core.NewChangeConfigurationRequest("Nonsense", "1"), "NotSupported")
	p.hears(fmt.Sprintf("meter values 1 of %d: ", cloudTx))
	profile := types.NewChargingProfile(9, 0, types.ChargingProfilePurposeTxProfile, types.ChargingProfileKindRelative,
		types.NewChargingSchedule(types.ChargingRateUnitAmperes, types.NewChargingSchedulePeriod(0, 10.5)))
	profile.TransactionId = cloudTx
	p.asks(smartcharging.NewSetChargingProfileRequest(1, profile), "Accepted")
	p.asks(smartcharging.NewGetCompositeScheduleRequest(1, 60), "Accepted")
	clear := smartcharging.NewClearChargingProfileRequest()
	clear.Id = new(9)
	p.asks(clear, "Accepted")
	p.asks(clear, "Unknown")
	p.asks(core.NewChangeAvailabilityRequest(0, core.AvailabilityTypeInoperative), "Scheduled")
	p.asks(core.NewChangeAvailabilityRequest(0, core.AvailabilityTypeOperative), "Accepted")
	p.asks(core.NewRemoteStopTransactionRequest(cloudTx+1), "Rejected")
	p.asks(core.NewRemoteStopTransactionRequest(cloudTx), "Accepted")
	p.hears(fmt.Sprintf("stop %d ", cloudTx), "status 1 Available")
}

// isLed triggers messages, and begins and ends a session from afar.
func (p *peer16) isLed() {
	p.t.Helper()
	p.asks(core.NewGetConfigurationRequest([]string{"NumberOfConnectors", "Nonsense"}), "")
	for trigger, heard := range map[remotetrigger.MessageTrigger]string{
		core.BootNotificationFeatureName: "boot CS1 Simulated", core.StatusNotificationFeatureName: "status 1 Available",
		firmware.FirmwareStatusNotificationFeatureName: "firmware Idle", firmware.DiagnosticsStatusNotificationFeatureName: "diagnostics Idle",
	} {
		p.asks(remotetrigger.NewTriggerMessageRequest(trigger), "Accepted")
		p.hears(heard)
	}
	p.asks(core.NewClearCacheRequest(), "Accepted")
	p.asks(core.NewDataTransferRequest("org.example"), "UnknownVendorId")
	start := core.NewRemoteStartTransactionRequest("TAG2")
	start.ConnectorId = new(1)
	p.asks(start, "Accepted")
	p.hears("start 1 TAG2 ")
	p.asks(core.NewUnlockConnectorRequest(1), "Unlocked")
	p.hears(fmt.Sprintf("stop %d ", cloudTx), "status 1 Available")
}

// isKept reserves the connector, sends a local list and asks for diagnostics.
func (p *peer16) isKept() {
	p.t.Helper()
	in := func(d time.Duration) *types.DateTime { return types.NewDateTime(time.Now().Add(d)) }
	p.asks(reservation.NewReserveNowRequest(1, in(time.Hour), "TAG3", 7), "Accepted")
	p.hears("status 1 Reserved")
	other := core.NewRemoteStartTransactionRequest("TAG4")
	other.ConnectorId = new(1)
	p.asks(other, "Rejected")
	p.asks(reservation.NewCancelReservationRequest(7), "Accepted")
	p.asks(reservation.NewCancelReservationRequest(7), "Rejected")
	p.hears("status 1 Available")
	p.asks(reservation.NewReserveNowRequest(1, in(2*time.Second), "TAG3", 8), "Accepted")
	p.hears("status 1 Reserved", "status 1 Available")

	list := localauth.NewSendLocalListRequest(4, localauth.UpdateTypeFull)
	list.LocalAuthorizationList = []localauth.AuthorizationData{{IdTag: "TAG3", IdTagInfo: accepted()}}
	p.asks(list, "Accepted")
	list.UpdateType = localauth.UpdateTypeDifferential
	p.asks(list, "VersionMismatch")
	p.asks(localauth.NewGetLocalListVersionRequest(), "")

	p.asks(firmware.NewGetDiagnosticsRequest("ftp://cloud.example/diagnostics"), "")
	p.hears("diagnostics Uploading", "diagnostics Uploaded")
}

// isRenewed resets the station and updates its firmware.
func (p *peer16) isRenewed() {
	p.t.Helper()
	p.asks(core.NewResetRequest(core.ResetTypeSoft), "Accepted")
	p.hears("boot CS1 Simulated")
	p.asks(firmware.NewUpdateFirmwareRequest("https://cloud.example/firmware", types.NewDateTime(time.Now())), "")
	p.hears("firmware Downloading", "firmware Downloaded", "firmware Installing", "firmware Installed", "boot CS1 Simulated")
}
