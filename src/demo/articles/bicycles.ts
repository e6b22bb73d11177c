/** Bicycles: articles of the sample table, written for this project. */

import type { ArticleText } from '../article.ts';

export const bicycles: readonly ArticleText[] = [
  {
    id: 301,
    title: 'Mending a puncture at the roadside',
    body: 'Lift the tyre off the rim with two levers, pull out the inner tube and listen for the hiss. Roughen the rubber, spread the glue, wait until it is dull, and press the patch on. Check the tyre for the thorn before you put it back. Repairing a flat takes ten minutes with a patch kit, and every cyclist should have done it once at home.',
  },
  {
    id: 302,
    title: 'Flat tyre again and again',
    body: 'If the tube goes down every week, look for glass in the tread and for a spoke that pokes through the rim tape. Low pressure makes a bike roll over its own tube and pinch it, leaving two small holes like a snake bite. After you have repaired a puncture, run a finger round the inside of the tyre.',
  },
  {
    id: 303,
    title: 'Tubeless for commuters',
    body: 'Tyres without a tube are filled with a milky sealant that closes small holes while you ride. They weigh less and rarely go flat, but fitting them is messy and the liquid dries out in half a year. Cyclists who ride over thorns and glass are glad of tyres that repair themselves.',
  },
  {
    id: 304,
    title: 'How hard to pump',
    body: 'A wide tire on a city bicycle rides well at three bar, a narrow racing one needs six or seven. The range is printed on the side wall. Soft tires grip, hard ones roll, and very hard ones only rattle your teeth. Inflate bicycle tires every fortnight, as rubber loses air by itself.',
  },
  {
    id: 305,
    title: 'Presta and Schrader valves',
    body: 'The thin valve with a little nut is the Presta, and the thick one is the same as on a car. Most pumps fit both if you turn the rubber inside the head. Open the nut before you pump, or no air goes in. An inner tube with either valve fits most bicycle tyres.',
  },
  {
    id: 307,
    title: 'Chain maintenance in five minutes',
    body: 'Wipe the chain with a rag, put one drop of oil on every link, turn the pedals backwards and wipe again. Oil on the outside only collects dirt. A clean drivetrain shifts better and lasts twice as long. A dry, rusty or dirty bicycle chain slips, creaks and wears the gears.',
  },
  {
    id: 308,
    title: 'When is a chain worn out?',
    body: 'A stretched chain eats the sprockets. Measure twelve links with a ruler: if they come to more than 30.7 centimetres, replace it now and keep the cassette. Wait too long and both must go. A worn bike chain slips on the teeth of the gears when you push hard.',
  },
  {
    id: 309,
    title: 'A bike that skips gears',
    body: 'If the chain jumps under load, the cable has stretched or the hanger is bent. Turn the barrel adjuster at the derailleur half a turn at a time until every gear shifts cleanly, up and down. Changing gear under full load makes any bicycle chain slip.',
  },
  {
    id: 310,
    title: 'Hub gears or derailleur',
    body: 'Gears inside the hub need hardly any care, shift while you stand at the lights and suit a town bicycle. A derailleur is lighter and cheaper to mend, and gives the small steps that hills ask for. Cyclists in hilly country change gear a hundred times a day.',
  },
  {
    id: 311,
    title: 'Single speed in the city',
    body: 'With one gear there is nothing to adjust and little to steal. In a flat town it is all the bike that you need. Choose a ratio that you can start with at the lights without standing up. A bicycle chain without a derailleur lasts for years.',
  },
  {
    id: 313,
    title: 'Squealing brakes',
    body: 'Brakes squeal when the pads are glazed or touch the rim flat. Sand the shine off, and turn the front edge of the pad in by a hair. On discs the cause is nearly always oil: clean the rotor with alcohol. Noisy brakes are seldom dangerous, but oily brake discs on a bike are.',
  },
  {
    id: 314,
    title: 'Changing worn brake pads',
    body: 'Pads have a wear line; when it is gone the metal grinds the rim. Slide the old blocks out, fit the new ones with the arrow pointing forward, and pull the lever twenty times before you ride downhill. Worn bicycle brakes are noisy, weak and expensive, because the rim goes next.',
  },
  {
    id: 315,
    title: 'Bleeding hydraulic brakes',
    body: 'A lever that feels spongy has air in the line. Push fresh fluid from the caliper up to the lever until no more bubbles come out. Use only the liquid named on the lever, and keep it off the disc. Mechanics bleed the brakes of a mountain bike once a year.',
  },
  {
    id: 316,
    title: 'Stopping distance in the wet',
    body: 'Rim brakes need a turn of the wheel to dry before they bite, so a wet bicycle stops twice as late. Brake early and gently, the front more than the rear, and never while leaning into a bend. Practise braking hard on an empty car park with your bike.',
  },
  {
    id: 318,
    title: 'Truing a wobbly wheel',
    body: 'Spin the wheel, hold a pencil against the frame and mark where the rim touches. Tighten the spoke on the far side a quarter turn and loosen its neighbour. Many small corrections beat one large one. A wheel that is out of true rubs on the brake pads and slows the bicycle.',
  },
  {
    id: 319,
    title: 'A broken spoke far from home',
    body: 'You can ride on with one spoke missing if you open the brake and go slowly. Wind the loose end round its neighbour. Two broken spokes mean the rest are tired, and the wheel wants rebuilding. Carry a spare spoke taped to the frame of the bike for long tours.',
  },
  {
    id: 320,
    title: 'Loose headset or worn bearings',
    body: 'Hold the front brake and rock the bike: a knock in the hands is play in the headset. Tighten the top cap until the knock is gone and the bars still turn freely, then the two bolts at the side. A bicycle with loose bearings steers badly and wears out its parts.',
  },
  {
    id: 322,
    title: 'Saddle height without guessing',
    body: 'Sit down and put your heel on the pedal at its lowest point: the leg should be just straight. With the ball of the foot there, the knee is slightly bent. Too low hurts the knee, too high rocks the hips. Cyclists with pain in the front of the knee usually sit too low; pain behind the knee means too high.',
  },
  {
    id: 323,
    title: 'Numb hands on long rides',
    body: 'Pressure on the palms squeezes a nerve. Raise the handlebar, tilt the saddle level, change your grip every few minutes and wear padded gloves. If your fingers tingle for days, have the bike fitted. Cyclists with pain in hands, neck or wrists often have a bike that is too long.',
  },
  {
    id: 324,
    title: 'Choosing a helmet that fits',
    body: 'It should sit level, two fingers above the eyebrows, and stay put when you shake your head with the strap open. Replace a helmet after any crash, even if you see no crack. Riders of bicycles, scooters and skates need one alike.',
  },
  {
    id: 326,
    title: 'Locks worth their weight',
    body: 'A bicycle thief needs ten seconds for a cable and five minutes for a hardened U-lock. Lock frame and rear wheel to something that does not move, in a place where people pass. Two different locks need two different tools. Expensive bikes need protection in the cellar too, because thieves know that bicycles are kept there.',
  },
  {
    id: 327,
    title: 'My bike was stolen',
    body: 'Report it to the police with the frame number and a photograph, tell your insurer the same day, and search the online markets for a week. Engraved bicycles come back more often. Thieves sell most bikes within two days, so a bicycle with a recorded number is of little use to them.',
  },
  {
    id: 328,
    title: 'Lights that others can see',
    body: 'A steady light of fifty lux shows the road, and a flashing one only shows you. A hub dynamo never needs charging. Point the beam down, because a dazzled driver steers towards you. Bicycle lamps are required from dusk on in nearly every country.',
  },
  {
    id: 330,
    title: 'Cycling to work in winter',
    body: 'Wide tyres with low pressure grip on slush; studded tires are the answer to ice. Mudguards, a warm layer under a windproof one, and lights at both ends make a cold commute pleasant. Rinse the salt off the chain. Cyclists who ride on snow and ice start earlier and brake later.',
  },
  {
    id: 331,
    title: 'Range of an electric bike',
    body: 'Hills, cold and a high assist level empty the battery sooner than the brochure says. Count on two thirds of the promised kilometres. Store it half full at room temperature when you do not ride. Pedal assistance ends at twenty-five kilometres an hour on most electric bicycles.',
  },
  {
    id: 332,
    title: 'Carrying children by bike',
    body: 'A rear seat takes a child from nine months to about five years. Trailers are steadier and drier, and cargo bicycles carry two with their bags. Practise with a sack of potatoes first. Young cyclists may ride beside a parent from about six years.',
  },
  {
    id: 333,
    title: 'Taking a bicycle on the train',
    body: 'Most regional trains carry bikes outside rush hour with a ticket of their own; express trains want a reservation. A folded bicycle counts as luggage and goes free. Remove bags and locks before the train arrives, and lift your bicycle in with both hands.',
  },
  {
    id: 335,
    title: 'Removing a stuck pedal',
    body: 'The left pedal has a left-hand thread: it comes off clockwise. Use a long spanner, a drop of penetrating oil and your body weight. Grease the thread before the new one goes in. Bike mechanics grease the pedals at every service.',
  },
  { id: 336, title: 'Workshop opening hours', body: null },
];
