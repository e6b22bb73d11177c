/** Gardening: articles of the sample table, written for this project. */

import type { ArticleText } from '../article.ts';

export const gardening: readonly ArticleText[] = [
  {
    id: 201,
    title: 'Slugs in the lettuce bed',
    body: 'Slugs eat at night and leave silver trails across the seedlings. Go out with a torch after rain and pick them off, sink a cup of beer in the soil, or ring young lettuce with sharp grit. Hedgehogs and ducks eat what you miss. These pests damage lettuce, beans and marigolds above all, and one snail can eat a seedling in a night.',
  },
  {
    id: 202,
    title: 'Snails without poison',
    body: 'Pellets kill the birds that eat the snails. A copper strip round the pot, a board left on the soil as a trap, and watering in the morning instead of the evening keep most of them away from your plants. Slugs are put off by the same barriers, so no garden needs slug pellets.',
  },
  {
    id: 203,
    title: 'Greenfly on the roses',
    body: 'Aphids cluster on soft new shoots and suck the sap. A hard jet of water knocks them off; soapy water finishes the rest. Ladybirds and their larvae clear a whole rose bush in a week if you leave them alone. Such insects damage roses, beans and fruit trees alike, and spraying poison kills the useful insects as well.',
  },
  {
    id: 204,
    title: 'Caterpillars on cabbage',
    body: 'White butterflies lay yellow eggs under the leaves in early summer. Rub the eggs off by hand or cover the cabbages with fine netting from planting day. Once the caterpillars are inside the head it is too late. These pests chew holes into vegetables until only the ribs are left.',
  },
  {
    id: 205,
    title: 'Whitefly in the greenhouse',
    body: 'Tiny white insects rise in a cloud when you touch the tomatoes. Hang yellow sticky cards, plant marigolds between the rows and order parasitic wasps, which are smaller than a full stop and harmless to people. Like other sucking insects, these pests damage vegetables by weakening the leaves.',
  },
  {
    id: 207,
    title: 'Starting a compost heap',
    body: 'Mix green waste such as grass and kitchen peelings with brown waste such as straw and cardboard. Turn the heap every few weeks to let the air in. After six months it becomes dark crumbly earth that smells of the woods. Garden soil fed with compost needs no bought fertiliser, and the waste bin stays half empty.',
  },
  {
    id: 208,
    title: 'Why compost smells',
    body: 'A heap that stinks is too wet and has no air. Fork in torn cardboard or dry leaves, and stop adding grass in thick layers. Meat and cooked food bring rats and belong elsewhere. Kitchen waste, wet as it is, should be mixed with dry garden waste each time.',
  },
  {
    id: 209,
    title: 'Worm bins for small gardens',
    body: "A box of red worms on a balcony turns vegetable peelings into rich compost and a liquid feed for tomatoes. Keep it out of the sun and feed little and often. Worms dislike citrus and onions. The worms turn a household's organic waste into soil for the window boxes.",
  },
  {
    id: 210,
    title: 'Making leaf mould',
    body: 'Rake fallen leaves into a wire cage in autumn, wet them and wait. Two years later they have rotted into a soft dark mulch that holds water and feeds the soil. It takes longer than compost but asks for no work, and gardeners mix it into potting soil.',
  },
  {
    id: 212,
    title: 'When to sow tomatoes',
    body: 'Sow tomato seed indoors in late winter, two months before the last frost. Seedlings need light more than warmth: on a dim window sill they grow tall and weak. Harden them off outside for a week before planting. Tomatoes from your own garden ripen from July on.',
  },
  {
    id: 213,
    title: 'Blossom end rot',
    body: 'A brown leathery patch at the bottom of a tomato is not a disease but thirst. Uneven watering keeps calcium from reaching the fruit. Water pots daily in a heat wave and the next fruits will be sound. Tomatoes in small pots suffer most, since their soil dries out by noon.',
  },
  {
    id: 214,
    title: 'Pinching out side shoots',
    body: "Cordon tomatoes put their strength into leaves unless you nip off the shoots that grow between leaf and stem. Tie the stem to a cane every hand's width, and stop the plant after five trusses. Tomatoes on fewer stems ripen sooner and stay healthier.",
  },
  {
    id: 215,
    title: 'Potato and tomato blight',
    body: 'Brown blotches on leaves in warm wet weather spread within days and rot the crop. Cut off and burn the foliage at once, and never compost it. Resistant varieties and wide spacing help more than sprays. Tomatoes under a roof, where leaves stay dry, escape the disease for longer.',
  },
  {
    id: 217,
    title: 'Pruning apple trees',
    body: 'Prune in winter when the tree sleeps. Take out dead and crossing branches first, then open the centre so that light and air reach the fruit. Never remove more than a fifth of the crown in a year. Cutting back fruit trees too hard makes them answer with a forest of water shoots.',
  },
  {
    id: 218,
    title: 'When to cut back roses',
    body: 'Trim roses at the end of winter, just above a bud that faces outwards. Old wood that is brown inside goes to the ground. It feels brutal, yet the bush flowers better for it. Most garden shrubs and bushes are pruned after they have flowered.',
  },
  {
    id: 219,
    title: 'Hedges and nesting birds',
    body: 'Clipping a hedge between spring and late summer can destroy nests and is against the law in many places. Cut in autumn, and keep the top narrower than the bottom so that light reaches the lower branches. Cutting back bushes and trees for shape is allowed all year if nothing breeds in them.',
  },
  {
    id: 220,
    title: 'Shears, loppers and saws',
    body: 'Secateurs cut twigs as thick as a finger, loppers take branches as thick as a thumb, and a pruning saw does the rest. Clean the blades with spirit between trees, because they carry disease. Clean, sharp cutting tools leave wounds that trees and shrubs can close.',
  },
  {
    id: 222,
    title: 'Repairing bare patches in the lawn',
    body: 'Scratch the soil with a rake, scatter grass seed by hand and press it down with your feet. Keep it damp for three weeks and stay off. Early autumn is the best time, when the ground is still warm. Water the new lawn gently every evening until the grass has been mown twice.',
  },
  {
    id: 223,
    title: 'Moss in the grass',
    body: 'Moss grows where the ground is shady, wet or trodden hard. Raking it out is only half of the work: spike the lawn with a fork, brush in sand, and mow higher so the grass can compete. A lawn that gets three hours of sun will hardly grow moss.',
  },
  {
    id: 224,
    title: 'Mowing less',
    body: 'A lawn cut every four weeks flowers with clover and daisies and stays green in a drought. Set the blades high, leave the clippings, and mow a path so that it looks as if you meant it. A mower with sharp blades leaves healthier grass.',
  },
  {
    id: 226,
    title: 'Getting rid of bindweed',
    body: 'Every piece of white root left in the ground becomes a new plant. Dig slowly with a fork instead of a spade, cover the bed with cardboard for a year, and keep pulling. Patience beats weedkiller. Other weeds with deep roots, such as ground elder, are removed in the same way.',
  },
  {
    id: 227,
    title: 'Mulch instead of weeding',
    body: 'A layer of bark or straw as deep as your hand is wide keeps the light from weed seeds and moisture in the soil. Spread it in spring on wet ground, and leave a gap around stems. Gardeners who mulch their flower beds pull a tenth of the weeds.',
  },
  {
    id: 228,
    title: 'Hoeing on a dry day',
    body: 'Weeds cut off at the root in the morning sun are dead by evening. Slide the hoe just below the surface; digging deeper only brings up more seeds. Weeding little and often keeps flower beds tidy with ten minutes a week.',
  },
  {
    id: 230,
    title: 'Watering during a drought',
    body: 'One good soaking a week sends roots down, where a daily sprinkle keeps them at the surface. Water in the evening or at dawn, at the foot of the plant, and catch rain from the roof in a butt. In dry weather thirsty plants wilt at noon and recover at night; those that do not recover need water at once.',
  },
  {
    id: 231,
    title: 'House plants that drooped',
    body: 'Yellow leaves and wet soil mean too much water; brown tips mean dry air. Lift the pot: if it is heavy, wait. More indoor plants are drowned than die of thirst. Potted plants want less water in winter when they hardly grow.',
  },
  {
    id: 232,
    title: 'Repotting an indoor plant',
    body: 'When roots circle the bottom, move the plant to a pot two fingers wider. Loosen the ball, fill up with fresh compost and keep it out of bright sun for a week. Spring is the season for repotting most house plants.',
  },
  {
    id: 233,
    title: 'Raised beds on clay',
    body: 'Heavy clay drains badly and warms late. A frame of planks filled with compost and topsoil lets you grow carrots and salad in the first year, with no digging and less bending. Vegetables in such a bed can be sown two weeks earlier than in the ground.',
  },
  {
    id: 235,
    title: 'Bulbs to plant in autumn',
    body: 'Tulips, daffodils and crocus go into the ground before the frost, three times as deep as they are tall. Plant tulips last, in November, when the cold has killed the fungus that rots them. Spring flowers come back each year if the leaves may wither in peace.',
  },
  {
    id: 236,
    title: 'Garlic from a single clove',
    body: 'Break a head of garlic apart in October and push each clove into the soil with its tip just showing. By July every one has become a head. Dry them in an airy shed. Plant the vegetable in a sunny bed that had no onions the year before.',
  },
  {
    id: 237,
    title: 'Seed catalogue notes',
    body: 'Half written: which tomato and lettuce seed to order for next year, and which supplier was slow. To be finished after the frost.',
    status: 'draft',
  },
];
