/** Pets: articles of the sample table, written for this project. */

import type { ArticleText } from '../article.ts';

export const pets: readonly ArticleText[] = [
  {
    id: 601,
    title: 'House training a puppy',
    body: 'Take the puppy out after every meal, every nap and every game, always to the same spot, and praise it the moment it is done. Accidents indoors are cleaned without a word. Most young dogs are reliable at six months. Teaching young dogs clean manners takes patience, treats and a clock.',
  },
  {
    id: 602,
    title: 'A puppy that bites',
    body: 'Milk teeth are sharp and everything is a toy. Stop the game for a few seconds whenever teeth touch skin, and offer something to chew instead. A pup that is overtired bites most, so see that it sleeps. Young dogs learn good manners from other dogs faster than from us.',
  },
  {
    id: 603,
    title: 'Walking on a loose lead',
    body: 'Stand still whenever the leash goes tight and walk on when it hangs. It takes three slow weeks, and after that your arm will thank you. Harnesses spare the throat but teach nothing by themselves. Teaching a dog to walk politely is easier when it is young and a little hungry for treats.',
  },
  {
    id: 604,
    title: 'Leaving a dog alone',
    body: 'Start with one minute behind a closed door and add a little every day. Barking, scratching and puddles are signs of fear and not of spite. Four hours is long enough for any dog. Dogs, young and old, can be taught to wait calmly at home.',
  },
  {
    id: 605,
    title: 'Recall in the park',
    body: 'Call once, in a bright voice, and pay with something better than the squirrel. Never scold a dog that comes late, because it learns that coming is a bad idea. Practise on a long line until it works ten times out of ten. Teaching a young dog to come is the first lesson in every dog school, before manners.',
  },
  {
    id: 607,
    title: 'Chocolate is poison for dogs',
    body: 'The darker the chocolate, the more dangerous. Grapes, raisins, onions and the sweetener in chewing gum harm dogs as well. Note how much was eaten, and call the vet at once instead of waiting for symptoms. Toxic food that a dog ate in the last hour can often still be brought up by the vet.',
  },
  {
    id: 608,
    title: 'Ticks on cats and dogs',
    body: 'Part the fur after each walk, pull the tick out slowly with a hook close to the skin, and do not use oil or a flame. Collars and drops from the vet keep most of them off from March to November. Parasites such as ticks carry disease from animal to animal, and cats bring them home in their fur.',
  },
  {
    id: 609,
    title: 'Fleas in the whole house',
    body: 'For each flea on the animal, ninety-five eggs lie in carpets and baskets. Treat the pet, wash its bedding hot, and vacuum every day for a month. Without that the itching comes back. Parasites like these jump from cat to dog to carpet, and a fine comb through the fur finds them.',
  },
  {
    id: 610,
    title: 'A dog with an upset stomach',
    body: 'Let an adult dog fast for half a day with plenty of water, then feed boiled chicken and rice in small portions. Blood, fever or a listless puppy belong to the veterinarian the same day. A dog that ate something toxic or spoiled vomits, shakes or drools; that is a case for the vet.',
  },
  {
    id: 611,
    title: 'Vaccinations for pets',
    body: 'Puppies and kittens need their first shots at eight weeks, again at twelve, and boosters every one to three years. Travel abroad wants a rabies jab, a chip and a passport. The vet also treats animals for worms and other parasites at these visits.',
  },
  {
    id: 613,
    title: 'Moving house with a cat',
    body: 'Keep the cat in one room with its basket, litter tray and an unwashed blanket for the first days. Let it out of doors after four weeks at the earliest, hungry, and before a meal. Cats find their way back to the old home when they are let out too early.',
  },
  {
    id: 614,
    title: 'A cat that scratches the sofa',
    body: 'Scratching marks a place and keeps claws in shape, so it cannot be forbidden. Put a heavy post covered in sisal right beside the sofa, rub it with catnip, and cover the arm with foil until the habit has moved. Cats sharpen their claws where they sleep and where people sit.',
  },
  {
    id: 615,
    title: 'Litter tray troubles',
    body: 'One tray for each cat and one more, scooped daily, in a quiet corner. A tom that suddenly goes beside the box may have a bladder infection, which is an emergency if nothing comes. Cats dislike perfumed litter and trays with a lid.',
  },
  {
    id: 616,
    title: 'Why is my cat not eating?',
    body: 'New food, a new bowl or a new baby can put a cat off its meals. After two days without eating the liver suffers, so warm the food a little, and if that fails see the vet. Cats hide illness well, so a cat without appetite deserves attention.',
  },
  {
    id: 617,
    title: 'Kittens and their first weeks',
    body: 'Leave kittens with their mother until twelve weeks: they learn from her what a hand is and where to go. Two siblings keep each other busy and ruin fewer curtains than one. A young cat that played with people before eight weeks stays friendly.',
  },
  {
    id: 619,
    title: 'Indoor cats and boredom',
    body: 'A feline that never goes out needs a window with a view, high places to climb and two hunts a day with a feathered string. Hide part of the food, so that it has to be found. Toys that cats love cost nothing: paper, corks and boxes.',
  },
  {
    id: 620,
    title: 'Rabbits are not easy pets',
    body: 'Rabbits need company of their own kind, several square metres of room and hay all day long, which wears their teeth down. They do not like to be carried, and children want to carry. A rabbit in a small cage becomes ill and bites.',
  },
  {
    id: 621,
    title: 'Guinea pigs in winter',
    body: 'Guinea pigs can live outside if they moved out in spring, are at least three, and have a dry insulated hut. Feed fresh peppers for vitamin C and check that the water has not frozen. Like rabbits, these rodents need company, hay and a dry place.',
  },
  {
    id: 622,
    title: 'A tank for the first fish',
    body: 'Let the aquarium run for three weeks before the first fish moves in, so that bacteria can settle in the filter. Too much food and too many fish at once kill more than any disease. Change a third of the water every week. Fish are bought last, after plants, filter and test kit.',
  },
  {
    id: 623,
    title: 'Cloudy aquarium water',
    body: 'White haze in a new tank is a bloom of bacteria and clears by itself. Green water means too much light or too much feeding. Test nitrite before you buy more fish. Plants in the tank compete with algae for food and keep fish healthy.',
  },
  {
    id: 624,
    title: 'Budgerigars want company',
    body: 'A single budgie talks because it is lonely. Keep two, in a cage wide enough to fly in, and let them out every day. Non-stick pans give off fumes that kill birds. Birds need daylight, fresh twigs and water to bathe in.',
  },
  {
    id: 626,
    title: 'Old dogs',
    body: 'Grey muzzle, stiff in the morning, deaf to calling: an elderly dog needs shorter walks more often, a soft bed and a ramp for the car. Pain shows as silence; the vet has good tablets for joints. Animals of that age deserve a visit to the vet twice a year.',
  },
  {
    id: 627,
    title: 'Saying goodbye to a pet',
    body: 'Ask yourself whether the animal still has more good days than bad. Vets come to the house, the injection does not hurt, and being there is the last thing that you can give. Children may be told the truth. Grief for an animal is real, and friends with pets understand it.',
  },
  {
    id: 628,
    title: 'Choosing a vet',
    body: 'Visit the practice before you need it. Ask who answers at night, what a check-up costs, and watch how they handle a frightened cat. Insurance for animals pays for operations and seldom for anything else. A good vet explains to owners what each treatment of their animal is for.',
  },
];
