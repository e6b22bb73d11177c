/** Cars: articles of the sample table, written for this project. */

import type { ArticleText } from '../article.ts';

export const cars: readonly ArticleText[] = [
  {
    id: 1301,
    title: 'Car battery flat in the morning',
    body: 'Connect red to red, black to bare metal on the engine of the car that will not start, and run the donor for five minutes. Drive for half an hour afterwards. A battery older than five years will do it again. An automobile that will not start on a cold morning usually has an old battery, and the starter only clicks.',
  },
  {
    id: 1302,
    title: 'Engine cranks but does not fire',
    body: 'Fuel, spark or air: listen for the pump when you turn the key, look at the gauge, and read the fault code. A blinking key symbol means that the immobiliser does not know you. A vehicle that will not start although the battery is strong is a case for the garage.',
  },
  {
    id: 1303,
    title: 'The red oil light',
    body: 'Stop at once and switch off the engine, for without pressure the bearings melt in a minute. Check the dipstick on level ground. A yellow one gives you until the next petrol station. Warning lamps in red always mean stop; the lamp for oil pressure is the most urgent on the dashboard.',
  },
  {
    id: 1304,
    title: 'Engine warning light on',
    body: 'An amber engine symbol has a hundred causes, from a loose fuel cap to a dead sensor. A reader for the socket under the dashboard shows the code; P0420 names the catalytic converter. Flashing means do not drive. Warning lamps on the dashboard in yellow let you drive to a garage, slowly.',
  },
  {
    id: 1305,
    title: 'Overheating in traffic',
    body: 'Turn the heater to full, open the windows, and pull over when the needle reaches red. Never open the cap while it is hot. Low coolant, a stuck thermostat or a dead fan are the usual reasons. A warning lamp or a needle on the dashboard shows the temperature of the engine.',
  },
  {
    id: 1307,
    title: 'Changing a wheel by the road',
    body: 'Warning triangle, handbrake, loosen the nuts before you jack up the automobile. Put the spare on, tighten crosswise, lower, and tighten again. Check the bolts after fifty kilometres. Motorists should find the jack and the spare wheel before they need them.',
  },
  {
    id: 1308,
    title: 'Tyre pressure and tread',
    body: "Look once a month, with cold tyres; the figures are inside the driver's door. Half a bar too little costs fuel and lengthens braking. Below three millimetres of tread the car swims in the rain. Motorists forget the spare, which loses air as well.",
  },
  {
    id: 1309,
    title: 'Winter tyres or all season',
    body: 'Below seven degrees summer rubber turns hard. Where snow stays, real winter tires stop ten metres sooner; in mild places all-season ones save the change. Store the other set dark and upright. Motorists on slippery roads in winter need tread, distance and patience.',
  },
  {
    id: 1310,
    title: 'Car pulls to one side',
    body: 'Uneven pressure is the first suspect, a kerb that bent the track the second, a brake that sticks the third. Swap the front wheels: if the pull changes sides, it is the tyre. A garage measures the wheels of a vehicle in half an hour.',
  },
  {
    id: 1312,
    title: 'Grinding when you brake',
    body: 'Worn pads sing, and then they grind: by that time the disc is being eaten. Look through the rim, three millimetres of lining is the end. Change both sides of an axle together. Vehicle brakes that squeal or scrape should be looked at within days.',
  },
  {
    id: 1313,
    title: 'Brake pedal goes soft',
    body: 'A pedal that sinks means fluid lost or water in it. Do not drive on. The fluid draws moisture from the air and should be renewed every two years, whatever the mileage. Brakes decide over life, so a garage should see the vehicle before the next drive.',
  },
  {
    id: 1314,
    title: 'Steering wheel shakes at speed',
    body: 'Trembling between ninety and one hundred and ten is a wheel out of balance; shaking only while braking is a warped disc. Both are quick work for a garage. Motorists feel worn brake discs in the pedal as well.',
  },
  {
    id: 1316,
    title: 'Buying a used car',
    body: 'Come by daylight, cold engine, with a magnet for filler and a friend who knows. Service book, number of owners, and a test drive of half an hour. A seller in a hurry is a reason to leave. Buyers of second-hand cars who purchase in private have no warranty and pay less.',
  },
  {
    id: 1317,
    title: 'Mileage that cannot be true',
    body: 'Worn pedals and a shiny steering wheel at sixty thousand kilometres tell of a clock turned back. Compare with old inspection papers. Second-hand vehicles from a dealer carry a warranty. Purchasing a used vehicle with a false clock costs thousands, so ask the garage that serviced it.',
  },
  {
    id: 1318,
    title: 'Selling your automobile',
    body: 'Wash it, gather the papers, fix what is cheap, and name every scratch. Sell with a contract, against cash or a transfer you can see, and tell registry and insurer the same day. Buyers of a second-hand vehicle pay more for one with its papers in order.',
  },
  {
    id: 1320,
    title: 'Using less fuel',
    body: 'Change up early, look far ahead, roll up to red lights, and take the box off the roof. A hundred and ten instead of a hundred and thirty saves a fifth of the petrol. Short cold trips cost most. Motorists who check tyre pressure and drive smoothly need less petrol.',
  },
  {
    id: 1321,
    title: 'Petrol in a diesel',
    body: 'Do not even turn the key. If the engine has not run, the garage drains the tank in an hour; if it has, pump and injectors may be gone. The nozzle for diesel is thicker, so the mistake works only one way. Motorists in hired vehicles make the mistake most often.',
  },
  {
    id: 1322,
    title: 'Charging an electric car',
    body: 'Overnight at home on a wall box is cheapest and kindest. Rapid chargers on the motorway slow down above eighty per cent, so drive on. In frost, warm the cabin while it hangs on the cable. Motorists with an electric vehicle and a socket at home hardly visit chargers.',
  },
  {
    id: 1323,
    title: "How long does an electric car's battery last?",
    body: 'Most packs hold eighty per cent after two hundred thousand kilometres. Heat, constant full charge and daily fast charging age them. Ask for a certificate of its health when you buy one used. Buyers of a second-hand electric vehicle pay mainly for the battery.',
  },
  {
    id: 1325,
    title: 'Fogged windscreen',
    body: 'Air conditioning on, warm air at the glass, recirculation off. Wet mats and a film of dirt inside keep it coming back. Wipe the pane with spirit. Motorists who drive with a small peep-hole in frost pay a fine.',
  },
  {
    id: 1326,
    title: 'Wipers that smear',
    body: 'Clean the blades with glass cleaner and the screen with a clay sponge. If streaks remain, change the rubber each autumn. Summer water freezes in the nozzles, so fill up with antifreeze. Motorists see best at night through a windscreen that is clean inside as well.',
  },
  {
    id: 1327,
    title: 'Scratches in the paint',
    body: "If your nail does not catch, polish takes it out. Down to the primer, a pen in the right shade stops rust. Body shops blow in a small spot for less than the insurer's excess. Rust starts where the paint of a vehicle was hit by stones.",
  },
  {
    id: 1328,
    title: 'After an accident',
    body: 'Secure the place, help the injured, call the police if anybody is hurt. Photograph both vehicles and the road, exchange names and insurance, and admit nothing at the scene. Motorists who leave the scene commit a crime, even after a small bump.',
  },
  {
    id: 1329,
    title: 'Car smells of rotten eggs',
    body: 'Sulphur from the exhaust points to the converter, a sweet smell to coolant, burning rubber to a belt, petrol to a leak: that one means stop and get out. A garage finds the source in minutes with the vehicle on the lift.',
  },
];
